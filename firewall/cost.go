package firewall

import (
	"cmp"
	"math"
)

// packetCost is what a packet from a source that is in no range costs with a list in force, as a multiple of what it costs
// without any table, by the number of addresses, of prefixes in a set for their length, and of other ranges. BenchmarkPacket
// measured it; README.md has it as a table and says on what.
var packetCost = map[Mode]struct {
	none                        float64
	addresses, prefixes, ranges costs
}{
	All:     {1.2, costs{1.2, 1.2, 1.3, 1.5}, costs{1.3, 1.3, 1.5, 1.8}, costs{1.4, 1.6, 2.2, 4.9}},
	Inbound: {1.6, costs{1.6, 1.7, 2.0, 2.4}, costs{1.9, 1.9, 2.3, 2.5}, costs{2.0, 2.2, 3.1, 5.7}},
}

// costs are for lists of 1,000, 10,000, 100,000 and 1,000,000. Fewer than 10,000 prefixes count
// as those: the first has no set for a length, and a set of fewer in a longer list was not measured.
type costs [4]float64

// at interpolates by the logarithm of n; less than the smallest list costs what it does, and nothing what no list does.
func (c costs) at(n int, none float64) float64 {
	if n == 0 {
		return none
	}
	x := min(max(math.Log10(float64(n))-3, 0), float64(len(c)-1))
	i := min(int(x), len(c)-2)
	return c[i] + (x-float64(i))*(c[i+1]-c[i])
}

// Cost returns what every packet from an innocent source costs with what the kernel holds, as a multiple of what it costs
// without any table: an estimate from what BenchmarkPacket measured, for the family whose packets it costs more.
func Cost(s State, mode Mode) float64 {
	if !s.Exists {
		return 1
	}
	table, ok := packetCost[cmp.Or(mode, Inbound)]
	if !ok {
		return math.NaN()
	}
	kinds, x := s.layout.spread(), s.layout.index()
	count := make([]int, len(kinds))
	for _, e := range s.Elements {
		count[x.of(e.Range)]++
	}
	cost := [2]float64{table.none, table.none}
	for i, k := range kinds {
		of := table.prefixes
		switch {
		case k.interval():
			of = table.ranges
		case k.bits == width(k.is4):
			of = table.addresses
		}
		cost[familyOf(k.is4)] += of.at(count[i], table.none) - table.none
	}
	return max(cost[0], cost[1])
}
