package netblock

import (
	"cmp"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func (a cost) big() *big.Int {
	x := new(big.Int).Lsh(big.NewInt(a.hi), 64)
	return x.Add(x, new(big.Int).SetUint64(a.lo))
}

func TestCostsAgreeWithBigNumbers(t *testing.T) {
	amount := rapid.Float64Range(-1e12, 1e12)
	rapid.Check(t, func(t *rapid.T) {
		a, b := costOf(amount.Draw(t, "a")), costOf(amount.Draw(t, "b"))
		if got, want := a.plus(b).big(), new(big.Int).Add(a.big(), b.big()); got.Cmp(want) != 0 {
			t.Fatalf("sum %v, not %v", got, want)
		}
		if got, want := a.minus(b).big(), new(big.Int).Sub(a.big(), b.big()); got.Cmp(want) != 0 {
			t.Fatalf("difference %v, not %v", got, want)
		}
		if got, want := a.compare(b), a.big().Cmp(b.big()); got != want {
			t.Fatalf("compares as %d, not %d", got, want)
		}
		each, n := rapid.Float64Range(-1, 1).Draw(t, "each"), rapid.Uint64Range(0, 1<<36).Draw(t, "n")
		one := costOfEach(each, 1).big()
		if got, want := costOfEach(each, n).big(), new(big.Int).Mul(one, new(big.Int).SetUint64(n)); got.Cmp(want) != 0 {
			t.Fatalf("%d times %v is %v, not %v", n, one, got, want)
		}
	})
}

func TestCostOf(t *testing.T) {
	for _, c := range []struct {
		in   float64
		want string // in steps of 1e-15
	}{
		{0, "0"},
		{0.002, "2000000000000"},
		{-0.002, "-2000000000000"},
		{1e-13, "0"},
		{9007199254.740993, "9007199254740993000000000"},
		{-4e6, "-4000000000000000000000"},
		{4000, "4000000000000000000"},
	} {
		got := costOf(c.in).big()
		want, _ := new(big.Int).SetString(c.want, 10)
		off := new(big.Int).Sub(got, want) // above 9007 a float has less than 12 digits behind the point
		if !off.IsInt64() || math.Abs(float64(off.Int64())) > math.Abs(c.in)*1e15*0x1p-50 {
			t.Errorf("%v costs %v, not %s", c.in, got, c.want)
		}
	}
}

func TestCostsAreHeldWithinBounds(t *testing.T) {
	most := new(big.Int).Exp(big.NewInt(10), big.NewInt(27), nil)
	for _, x := range []float64{1e16, 1e300, math.MaxFloat64, math.Inf(1)} {
		for _, sign := range []float64{1, -1} {
			for what, got := range map[string]cost{"one": costOf(sign * x), "many": costOfEach(sign*x, math.MaxUint64)} {
				if got.big().CmpAbs(most) > 0 || cmp.Compare(got.hi, 0) == -int(sign) {
					t.Errorf("%s of %v cost %v", what, sign*x, got.big())
				}
			}
		}
	}
}
