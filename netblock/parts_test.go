package netblock

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestPartsCoverTheWhole(t *testing.T) {
	cut := 0
	for seed := range uint64(cases(60, 1000)) {
		r := rand.New(rand.NewPCG(seed, 6))
		shape := oneOf(r, CIDR, Interval)
		border := oneOf(r, "198.18.0.0/15", "198.51.0.0/16", "2001:db8::/36", "198.51.100.0/24")
		p := walled(benchProblem(shape, border, 1+r.IntN(300)), r.IntN(4))
		if border == "198.51.100.0/24" {
			p = randomProblem(r, 8)
		}
		p.Widest = oneOf(r, p.Widest, UnitBits(p.Border.First())-10, UnitBits(p.Border.First()), 0)
		if r.IntN(4) == 0 {
			p.Prior, p.Neighbours = mostCost, 0
		}
		if r.IntN(3) == 0 { // some of the points lie outside the border
			p.Border = oneOf(r, OfPrefix(netip.MustParsePrefix("198.18.0.0/16")), OfPrefix(netip.MustParsePrefix("2001:db8::/40")), p.Border)
		}
		parts := p.Parts(1 + r.IntN(50))
		cut += len(parts) - 1
		want := Cover(p)
		var got Solution
		for _, x := range parts {
			s := Cover(x)
			got.Ranges = append(got.Ranges, s.Ranges...)
			got.Cost += s.Cost
			got.Loss += s.Loss
		}
		if !slices.Equal(got.Ranges, want.Ranges) || !alike(got.Cost, want.Cost) || !alike(got.Loss, want.Loss) {
			t.Fatalf("seed %d: %d parts of %s\n got %v\nwant %v", seed, len(parts), describe(p), got, want)
		}
		sum := 0.0
		for _, c := range p.PriceEach(want) {
			sum += c
		}
		if left := p.Price(nil).Cost; !alike(p.Price(want.Ranges).Cost, want.Cost) || want.Ranges != nil && sum+left-p.dangerIn(want.Ranges)-want.Cost > 1e-6 {
			t.Fatalf("seed %d: ranges cost %v by themselves, %v together", seed, sum, want.Cost)
		}
	}
	if cut < 20 {
		t.Errorf("%d cuts; expected more to try", cut)
	}
}

func (p Problem) dangerIn(ranges []Range) float64 {
	sum := 0.0
	for _, x := range p.Points {
		if x.Named && SetOf(ranges...).Contains(x.Addr) {
			sum += x.Danger
		}
	}
	return sum
}

func TestReadList(t *testing.T) {
	read := func(text string) (out []string, err error) {
		err = ReadList("bad.txt", &dripping{text: text}, func(x Listed) error {
			out = append(out, fmt.Sprintf("%s %g %v", x.Range, x.Weight, x.Weighted))
			return nil
		})
		return out, err
	}
	got, err := read("# a list\n192.0.2.1\n\n 192.0.2.2\t3.5 ; why\r\n192.0.2.4-192.0.2.9,2\n2001:db8::1\n198.51.100.0/24 0")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"192.0.2.1 1 false", "192.0.2.2 3.5 true", "192.0.2.4-192.0.2.9 2 true", "2001:db8::1 1 false", "198.51.100.0/24 0 true"}
	if !slices.Equal(got, want) {
		t.Errorf("read %q, not %q", got, want)
	}
	for _, c := range []struct{ line, want string }{
		{"10.0.0.1/8", `bad.txt:2: "10.0.0.1/8" has host bits set; expected 10.0.0.0/8`},
		{"1.2.3.4-1.2.3.1", `bad.txt:2: "1.2.3.4-1.2.3.1" runs backwards; expected 1.2.3.1-1.2.3.4`},
		{"::ffff:1.2.3.4", `bad.txt:2: "::ffff:1.2.3.4" is an IPv4 address in IPv6 clothing; expected 1.2.3.4`},
		{"fe80::1%eth0", `bad.txt:2: "fe80::1%eth0" has a zone; expected the address without %eth0`},
		{"1.2.3.04", `bad.txt:2: "1.2.3.04" is no address; expected one like 203.0.113.7 or 2001:db8::7`},
		{"1.2.3", `bad.txt:2: "1.2.3" is no address; expected one like 203.0.113.7 or 2001:db8::7`},
		{"1.2.3.256", `bad.txt:2: "1.2.3.256" is no address; expected one like 203.0.113.7 or 2001:db8::7`},
		{"1.2.3.4.5", `bad.txt:2: "1.2.3.4.5" is no address; expected one like 203.0.113.7 or 2001:db8::7`},
		{"192.0.2.1 -1", `bad.txt:2: "-1" is no weight; expected one number from 0 to 1e+09`},
		{"192.0.2.1 NaN", `bad.txt:2: "NaN" is no weight; expected one number from 0 to 1e+09`},
		{"192.0.2.1 1e300", `bad.txt:2: "1e300" is no weight; expected one number from 0 to 1e+09`},
		{"192.0.2.1 1 2", `bad.txt:2: "1 2" is no weight; expected one number from 0 to 1e+09`},
		{",5", `bad.txt:2: ",5" begins with a comma; expected an address`},
	} {
		if _, err := read("192.0.2.7\n" + c.line + "\n192.0.2.8\n"); err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, not %s", c.line, err, c.want)
		}
	}
	long := make([]byte, 10*longestLine)
	for i := range long {
		long[i] = '1'
	}
	if _, err := read(string(long)); err == nil {
		t.Error("a line without an end was read")
	}
}

func TestReadRanges(t *testing.T) {
	var got []string
	read := func(text string) error {
		got = nil
		return ReadRanges("x", strings.NewReader(text), func(r Range) error { got = append(got, r.String()); return nil })
	}
	if err := read("cidr,cc\n192.0.2.0/24,NL\n\n# more\n2001:db8::/32 some name\n192.0.2.9-192.0.2.12\n::/0\n"); err != nil {
		t.Error(err)
	}
	if want := []string{"192.0.2.0/24", "2001:db8::/32", "192.0.2.9-192.0.2.12", "::/0"}; !slices.Equal(got, want) {
		t.Errorf("read %v; expected %v", got, want)
	}
	for text, want := range map[string]string{
		"cidr\ncidr\n":    `x:2: "cidr" is no address; expected one like 203.0.113.7 or 2001:db8::7`,
		"192.0.2.1/24,NL": `x:1: "192.0.2.1/24" has host bits set; expected 192.0.2.0/24`,
	} {
		if err := read(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v; expected %s", text, err, want)
		}
	}
}

func TestReadPartsReadsTheSame(t *testing.T) {
	for _, text := range []string{"", "\n", "192.0.2.1", "192.0.2.1\n192.0.2.2 3\n\n# x\n192.0.2.3\n", "192.0.2.1\n192.0.2.2\nbad\n192.0.2.3\n", "192.0.2.1\n192.0.2.2\n192.0.2.3\nbad", "bad\nworse\n"} {
		show := func(x Listed) string { return fmt.Sprint(x.Range, x.Weight) }
		var want []string
		wantErr := ReadList("x", strings.NewReader(text), func(x Listed) error { want = append(want, show(x)); return nil })
		for parts := 1; parts < 9; parts++ {
			got := make([][]string, parts)
			err := ReadParts("x", []byte(text), parts, func(i int) func(Listed) error {
				return func(x Listed) error { got[i] = append(got[i], show(x)); return nil }
			})
			if fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Errorf("%q in %d parts: %v; expected %v", text, parts, err, wantErr)
			}
			if all := slices.Concat(got...); err == nil && !slices.Equal(all, want) {
				t.Errorf("%q in %d parts is %q; expected %q", text, parts, all, want)
			}
		}
	}
}

// dripping is a reader that gives a few bytes at a time.
type dripping struct{ text string }

func (d *dripping) Read(p []byte) (int, error) {
	n := copy(p[:min(len(p), 7+len(d.text)/3)], d.text)
	d.text = d.text[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func FuzzReadList(f *testing.F) {
	f.Add("192.0.2.1 2\n198.51.100.0/24\n2001:db8::1-2001:db8::9,3\n")
	f.Fuzz(func(t *testing.T, text string) {
		_ = ReadList("f", &dripping{text: text}, func(x Listed) error {
			if back, err := ParseRange(x.Range.String()); err != nil || back != x.Range || x.Weight < 0 {
				t.Fatalf("%q: %s reads back as %s, %v", text, x.Range, back, err)
			}
			return nil
		})
	})
}
