package web

import (
	"slices"
	"sync"
)

// table is rules in their order, an operator's own before those built in, and the looks for what all of them ask for. It is made
// once for all logs.
type table struct {
	rules []rule
	names *parts // the agents of all rules that ask for one
	paths *parts // the paths of all rules, whole ones' beginnings too
}

// tables makes the two tables of some rules when they are asked for: without and with those that ask where one comes from, of
// whom nothing is known where no ranges are.
type tables [2]func() *table

func tablesOf(own []rule) *tables {
	return &tables{
		sync.OnceValue(func() *table {
			return newTable(slices.DeleteFunc(slices.Concat(own, builtin()), func(c rule) bool { return len(c.Outside) > 0 }))
		}),
		sync.OnceValue(func() *table { return newTable(slices.Concat(own, builtin())) }),
	}
}

// builtinTables are those of the rules built in alone.
var builtinTables = tablesOf(nil)

// table returns the one for what is known.
func (r Rules) table() *table {
	both := r.tables
	if both == nil {
		both = builtinTables
	}
	if r.ranges == nil {
		return both[0]()
	}
	return both[1]()
}

// lastBit is that of every list for which there is no other.
const lastBit = 1 << 63

func newTable(rules []rule) *table {
	t := &table{rules, &parts{}, &parts{}}
	names, paths := uint64(1), uint64(1)
	for i := range rules {
		c := &rules[i]
		c.named |= t.names.addAll(c.Agent, &names)
		c.needs |= t.paths.addAll(c.Path, &paths) | t.paths.addAll(c.Begin, &paths)
	}
	return t
}

// addAll adds a list, and returns the bit that it takes of those that are left; 0 where there is nothing in it.
func (p *parts) addAll(list []string, next *uint64) uint64 {
	if len(list) == 0 {
		return 0
	}
	bit := *next
	for _, text := range list {
		p.add(text, bit)
	}
	if bit != lastBit {
		*next <<= 1
	}
	return bit
}
