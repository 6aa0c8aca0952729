package firewall

import (
	"cmp"
	"math"
)

// packetCost is what a packet from a source that is in no range costs with a list in force, as a multiple of what it costs
// without any table, by the number of addresses or ranges in the list. BenchmarkPacket measured it; README.md has it as a
// table and says on what.
var packetCost = map[Mode]struct {
	none              float64
	addresses, ranges costs
}{
	All:     {1.1, costs{1.2, 1.2, 1.5, 1.6}, costs{1.4, 1.5, 2.0, 4.3}},
	Inbound: {1.6, costs{1.6, 1.8, 2.2, 2.3}, costs{1.8, 2.1, 2.9, 5.0}},
}

// costs are for lists of 1,000, 10,000, 100,000 and 1,000,000.
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
	var addresses, ranges [2]int
	for _, e := range s.Elements {
		family := 0
		if e.Range.Is4() {
			family = 1
		}
		if e.Range.First() == e.Range.Last() {
			addresses[family]++
		} else {
			ranges[family]++
		}
	}
	most, none := 0.0, table.none
	for family := range addresses {
		cost := table.addresses.at(addresses[family], none) + table.ranges.at(ranges[family], none) - none
		most = max(most, cost)
	}
	return most
}
