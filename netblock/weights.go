package netblock

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// Weights is what addresses of both families weigh a day, in the sense of judging. The zero Weights is empty.
type Weights struct {
	four, six []weighted
}

// weighted is one unit and its weight; the weights of the same unit add up.
type weighted struct {
	key    uint64
	weight float64
}

// mostListed is how many addresses one range of a list may hold, in the sense of judging: they are weighed one by one.
const mostListed = 1 << 16

// Add adds a weight to each address of a range. One of more than 65,536 addresses, in the sense of judging, is an error.
func (w *Weights) Add(r Range, weight float64) error {
	if n := r.Units(); n > mostListed {
		return fmt.Errorf("%q holds %.0f addresses; expected at most %d", r, n, mostListed)
	}
	list := &w.six
	if r.Is4() {
		list = &w.four
	}
	first := UnitKey(r.first)
	n := UnitKey(r.last) - first + 1
	if len(*list)+int(n) > cap(*list) { // append would grow by a quarter at a time
		*list = slices.Grow(*list, max(len(*list), int(n), few))
	}
	for i := range n {
		*list = append(*list, weighted{first + i, weight})
	}
	return nil
}

// Join adds all that other holds, behind what w holds. other must not be used any more.
func (w *Weights) Join(other Weights) {
	w.four, w.six = joined(w.four, other.four), joined(w.six, other.six)
}

func joined(a, b []weighted) []weighted {
	if len(a) == 0 {
		return b
	}
	return append(slices.Grow(a, len(b)), b...)
}

// sum sorts weights and adds up those of the same key.
func sum(list []weighted) []weighted {
	list = sorted(list)
	n := 0
	for _, x := range list {
		if n > 0 && list[n-1].key == x.key {
			list[n-1].weight += x.weight
			continue
		}
		list[n] = x
		n++
	}
	return list[:n]
}

// few is up to how many weights sorting by comparing is quicker.
const few = 4096

// sorted sorts weights by key, those of the same key as they stand: from the lowest 11 bits of the keys up, but for bits
// that are the same in all. For a million that takes a third of the time of comparing, and a ninth where they must stay as they
// stand.
func sorted(list []weighted) []weighted {
	if len(list) <= few {
		slices.SortStableFunc(list, func(a, b weighted) int { return cmp.Compare(a.key, b.key) })
		return list
	}
	differs, first, inOrder := uint64(0), list[0].key, true
	for i, x := range list {
		differs |= x.key ^ first
		inOrder = inOrder && (i == 0 || list[i-1].key <= x.key)
	}
	if inOrder {
		return list
	}
	const bits = 11
	other := make([]weighted, len(list))
	for shift := 0; shift < 64; shift += bits {
		if differs>>shift&(1<<bits-1) == 0 {
			continue
		}
		var at [1 << bits]int
		for _, x := range list {
			at[x.key>>shift&(1<<bits-1)]++
		}
		next := 0
		for i, n := range at {
			at[i] = next
			next += n
		}
		for _, x := range list {
			i := x.key >> shift & (1<<bits - 1)
			other[at[i]] = x
			at[i]++
		}
		list, other = other, list
	}
	return list
}

// PointsOf returns the points of plain lists, by address: what is bad is a named offender with its weight as danger, and
// what is honest loses its weight. An address may be both. The weights are used up.
func PointsOf(bad, honest Weights) []Point {
	four, six := merge(sum(bad.four), sum(honest.four), true), []Point(nil)
	if len(bad.six)+len(honest.six) > 0 {
		six = merge(sum(bad.six), sum(honest.six), false)
	}
	if len(six) == 0 {
		return four
	}
	return append(four, six...)
}

func merge(bad, honest []weighted, is4 bool) []Point {
	out := make([]Point, 0, len(bad)+len(honest))
	for len(bad) > 0 || len(honest) > 0 {
		out = append(out, Point{})
		x := &out[len(out)-1]
		isBad := len(bad) > 0 && (len(honest) == 0 || bad[0].key <= honest[0].key)
		isHonest := len(honest) > 0 && (len(bad) == 0 || honest[0].key <= bad[0].key)
		if isBad {
			x.Addr, x.Offender, x.Named, x.Danger = addrOf(bad[0].key, is4), true, true, bad[0].weight
			bad = bad[1:]
		}
		if isHonest {
			x.Addr, x.Honest, x.Loss = addrOf(honest[0].key, is4), true, honest[0].weight
			honest = honest[1:]
		}
	}
	return out
}

// addrOf returns the address of a key.
func addrOf(key uint64, is4 bool) netip.Addr {
	if is4 {
		return fromHalves([2]uint64{0, key}, true)
	}
	return fromHalves([2]uint64{key, 0}, false)
}
