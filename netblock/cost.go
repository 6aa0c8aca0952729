package netblock

import (
	"cmp"
	"math"
	"math/bits"
)

// cost is an amount per day in steps of 1e-15, as a number of 128 bits in two's complement. Sums are exact, so that their
// order doesn't matter and equality is transitive.
type cost struct {
	hi int64
	lo uint64
}

// mostCost is what any larger amount counts as, so that sums of all that fits into memory don't overflow.
const mostCost = 1e12

// Forbidding is a prior so high that no unseen address is ever taken in.
const Forbidding = mostCost

// costOf rounds what is known of one source to 1e-12: that absorbs what floats lose on the way to the same amount.
func costOf(x float64) cost {
	if x == 0 {
		return cost{}
	}
	return steps(max(-mostCost, min(x, mostCost)) * 1e12).times(1000)
}

// costOfEach returns the cost of n addresses at x each. It is even: the same for any n of them.
func costOfEach(x float64, n uint64) cost {
	if y := x * float64(n); math.Abs(y) >= mostCost {
		return costOf(y)
	}
	return steps(x * 1e15).times(n)
}

// steps rounds to a whole number of steps.
func steps(x float64) cost {
	x = math.RoundToEven(x)
	if math.Abs(x) < 0x1p63 {
		n := int64(x)
		return cost{n >> 63, uint64(n)}
	}
	hi := math.Floor(x / 0x1p64)
	return cost{int64(hi), uint64(x - hi*0x1p64)}
}

// perDay returns an amount as the nearest float64.
func (a cost) perDay() float64 {
	if a.hi < 0 {
		n := cost{}.minus(a)
		return -n.perDay()
	}
	return (float64(a.hi)*0x1p64 + float64(a.lo)) / 1e15
}

func (a cost) plus(b cost) cost {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return cost{a.hi + b.hi + int64(carry), lo}
}

func (a cost) minus(b cost) cost {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	return cost{a.hi - b.hi - int64(borrow), lo}
}

func (a cost) times(n uint64) cost {
	hi, lo := bits.Mul64(a.lo, n)
	return cost{int64(hi + uint64(a.hi)*n), lo}
}

func (a cost) compare(b cost) int {
	if a.hi != b.hi {
		return cmp.Compare(a.hi, b.hi)
	}
	return cmp.Compare(a.lo, b.lo)
}

// choice is what covering a part of the ground in one way comes to.
type choice struct {
	cost   cost
	units  uint64 // addresses in ranges
	ranges int
}

// compare orders choices, the better first.
func (a choice) compare(b choice) int {
	if c := a.cost.compare(b.cost); c != 0 {
		return c
	}
	if a.units != b.units {
		return cmp.Compare(a.units, b.units)
	}
	return cmp.Compare(a.ranges, b.ranges)
}
