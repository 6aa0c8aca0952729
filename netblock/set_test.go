package netblock

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func setOf(t *testing.T, texts ...string) Set {
	t.Helper()
	var out []Range
	for _, s := range texts {
		out = append(out, mustRange(t, s))
	}
	return SetOf(out...)
}

func texts(ranges []Range) []string {
	out := []string{}
	for _, r := range ranges {
		out = append(out, r.String())
	}
	return out
}

func TestSetNormalForm(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []string
		want []string
	}{
		{"nothing", nil, []string{}},
		{"touching ones become one", []string{"192.0.2.1", "192.0.2.0"}, []string{"192.0.2.0/31"}},
		{"one inside another", []string{"192.0.2.0/24", "192.0.2.7"}, []string{"192.0.2.0/24"}},
		{"overlap", []string{"192.0.2.4-192.0.2.9", "192.0.2.0-192.0.2.5"}, []string{"192.0.2.0-192.0.2.9"}},
		{"a gap of one stays", []string{"192.0.2.0", "192.0.2.2"}, []string{"192.0.2.0", "192.0.2.2"}},
		{"IPv4 comes first", []string{"2001:db8::/32", "198.51.100.7"}, []string{"198.51.100.7", "2001:db8::/32"}},
		{"the last of IPv4 doesn't touch the first of IPv6", []string{"255.255.255.255", "::"}, []string{"255.255.255.255", "::"}},
		{"halves of everything", []string{"8000::/1", "::/1", "128.0.0.0/1", "0.0.0.0/1"}, []string{"0.0.0.0/0", "::/0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, texts(setOf(t, c.in...).Ranges())); diff != "" {
				t.Error(diff)
			}
		})
	}
	if !SetOf(Range{}).IsEmpty() {
		t.Error("the zero range is in a set")
	}
}

func TestSetMinus(t *testing.T) {
	for _, c := range []struct {
		name      string
		from, cut []string
		want      []string
	}{
		{"nothing from nothing", nil, nil, []string{}},
		{"the middle", []string{"192.0.2.0/29"}, []string{"192.0.2.2-192.0.2.4"}, []string{"192.0.2.0/31", "192.0.2.5-192.0.2.7"}},
		{"the last address there is", []string{"255.255.255.254/31"}, []string{"255.255.255.255"}, []string{"255.255.255.254"}},
		{"all to the end", []string{"255.255.255.0/24"}, []string{"255.255.255.128/25"}, []string{"255.255.255.0/25"}},
		{"all of IPv6", []string{"::/0", "192.0.2.1"}, []string{"::/0"}, []string{"192.0.2.1"}},
		{"the ends of all of IPv6", []string{"::/0"}, []string{"::/1", "c000::/2"}, []string{"8000::/2"}},
		{"one that reaches over two", []string{"192.0.2.0/30", "192.0.2.8/30"}, []string{"192.0.2.3-192.0.2.8"},
			[]string{"192.0.2.0-192.0.2.2", "192.0.2.9-192.0.2.11"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, texts(setOf(t, c.from...).Minus(setOf(t, c.cut...)).Ranges())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// members lists what ranges hold, one address after the other.
func members(ranges []Range) map[netip.Addr]bool {
	out := map[netip.Addr]bool{}
	for _, r := range ranges {
		for a := r.First(); ; a = a.Next() {
			out[a] = true
			if a == r.Last() {
				break
			}
		}
	}
	return out
}

func normal(ranges []Range) bool {
	for i := 1; i < len(ranges); i++ {
		a, b := ranges[i-1].Last(), ranges[i].First()
		if !a.Less(b) || a.Next() == b {
			return false
		}
	}
	return true
}

func TestSetOperationsAgreeWithMaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := []universe{drawUniverse(t), drawUniverse(t)}
		a, b := drawRanges(t, u...), drawRanges(t, u...)
		x, y := drawRange(t, u[0]), SetOf(a...)
		inA, inB, inX := members(a), members(b), members([]Range{x})
		for _, op := range []struct {
			name string
			got  Set
			want func(netip.Addr) bool
		}{
			{"of", SetOf(a...), func(i netip.Addr) bool { return inA[i] }},
			{"union", SetOf(a...).Union(SetOf(b...)), func(i netip.Addr) bool { return inA[i] || inB[i] }},
			{"minus", SetOf(a...).Minus(SetOf(b...)), func(i netip.Addr) bool { return inA[i] && !inB[i] }},
			{"intersect", SetOf(a...).Intersect(SetOf(b...)), func(i netip.Addr) bool { return inA[i] && inB[i] }},
			{"within", y.Within(x), func(i netip.Addr) bool { return inA[i] && inX[i] }},
		} {
			ranges := op.got.Ranges()
			if !normal(ranges) {
				t.Fatalf("%s isn't normal: %v", op.name, ranges)
			}
			got, n := members(ranges), 0
			for _, u := range u {
				for i := range u.size {
					if got[u.at(i)] != op.want(u.at(i)) || op.got.Contains(u.at(i)) != op.want(u.at(i)) {
						t.Fatalf("%s of %v and %v is wrong at %s: %v", op.name, a, b, u.at(i), ranges)
					}
				}
			}
			for range got {
				n++
			}
			if op.got.Addresses() != float64(n) || op.got.IsEmpty() != (n == 0) {
				t.Fatalf("%s has %v addresses, not %d", op.name, op.got.Addresses(), n)
			}
		}
		overlaps, covers := false, true
		for i := range inX {
			overlaps, covers = overlaps || inA[i], covers && inA[i]
		}
		if y.Overlaps(x) != overlaps || y.Covers(x) != covers {
			t.Fatalf("%v and %s: overlaps %v, covers %v", a, x, y.Overlaps(x), y.Covers(x))
		}
	})
}

func TestSetDoesNotChange(t *testing.T) {
	s := setOf(t, "192.0.2.0/24", "198.51.100.0/24")
	got := s.Ranges()
	got[0] = Range{}
	s.Union(setOf(t, "192.0.3.0/24"))
	s.Minus(setOf(t, "192.0.2.7"))
	if !slices.Equal(texts(s.Ranges()), []string{"192.0.2.0/24", "198.51.100.0/24"}) {
		t.Errorf("the set became %v", s.Ranges())
	}
}
