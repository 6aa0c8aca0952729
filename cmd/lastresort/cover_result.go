package main

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"lastresort/netblock"
)

// coverResult is what cover found.
type coverResult struct {
	Ranges    []coverRange `json:"ranges"`
	Cost      float64      `json:"cost_per_day"`
	Addresses float64      `json:"addresses"`      // in the ranges
	Bad       int          `json:"bad"`            // listed
	Blocked   int          `json:"bad_blocked"`    // of these
	Left      float64      `json:"left_per_day"`   // danger of the others
	Honest    int          `json:"honest"`         // listed
	LostCount int          `json:"honest_blocked"` // of these
	Lost      float64      `json:"lost_per_day"`   // their weight
	Unseen    float64      `json:"unseen_blocked"`
	Walled    int          `json:"bad_protected"` // bad ones that must not be blocked
	Gap       float64      `json:"gap_per_day"`   // by how much it may be above the least cost with so many ranges
	Budget    int          `json:"budget"`
	count     int          // of the ranges, kept or not
	text      []byte       // of one part
	texts     [][]byte     // of all parts
}

type coverRange struct {
	Range netblock.Range `json:"range"`
	Cost  float64        `json:"cost_per_day"`
}

// solved covers problems, on all processors, within a budget of ranges where it isn't 0. What of each part is written is
// written by write; the ranges themselves are only kept where keep says so.
func (a *app) solved(ctx context.Context, problems []netblock.Problem, budget int, keep bool, write func(netblock.Solution, []float64) []byte) (coverResult, error) {
	var parts []netblock.Problem
	for i, p := range problems {
		parts = append(parts, p.Parts(1<<15)...)
		// A netblock inside another comes after it, and its ranges between those.
		keep = keep || i > 0 && problems[i-1].Border.Overlaps(p.Border)
	}
	out := coverResult{Budget: budget, Ranges: []coverRange{}}
	var solutions []netblock.Solution
	if budget > 0 {
		if show := a.progress("holding all to so many ranges"); show != nil {
			show(budget)
		}
		found := make(chan netblock.Budgeted, 1)
		go func() { found <- netblock.Within(parts, budget) }()
		select {
		case held := <-found:
			solutions, out.Gap = held.Solutions, held.Gap
		case <-ctx.Done(): // what is still searched ends with the program
			return out, ctx.Err()
		}
	}
	each := make([]coverResult, len(parts))
	onAll(ctx, len(parts), a.progress("parts covered"), func(i int) {
		var s netblock.Solution
		if budget > 0 {
			s, solutions[i] = solutions[i], s
		} else {
			s = netblock.Cover(parts[i])
		}
		costs := parts[i].PriceEach(s)
		each[i] = counted(&parts[i], s)
		if keep {
			for k, r := range s.Ranges {
				each[i].Ranges = append(each[i].Ranges, coverRange{r, costs[k]})
			}
		} else {
			each[i].text = write(s, costs)
		}
	})
	for i := range each {
		out.add(&each[i])
	}
	slices.SortFunc(out.Ranges, byRange)
	return out, ctx.Err()
}

func byRange(a, b coverRange) int { return a.Range.Compare(b.Range) }

// onAll does something n times on all processors, until the context ends. tick, where there is one, is told how many began.
func onAll(ctx context.Context, n int, tick func(int), do func(i int)) {
	var all sync.WaitGroup
	next := make(chan int)
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
		if tick != nil {
			tick(i)
		}
	}
	close(next)
	all.Wait()
}

// counted counts what the ranges of a part hold.
func counted(p *netblock.Problem, s netblock.Solution) coverResult {
	c := coverResult{Cost: s.Cost, count: len(s.Ranges)}
	for _, r := range s.Ranges {
		c.Addresses += r.Units()
	}
	c.Unseen = c.Addresses
	i := 0
	for k := range p.Points {
		x := &p.Points[k]
		for i < len(s.Ranges) && s.Ranges[i].Last().Less(x.Addr) {
			i++
		}
		blocked := i < len(s.Ranges) && s.Ranges[i].Contains(x.Addr)
		if blocked {
			c.Unseen--
		}
		if x.Offender {
			c.Bad++
			switch {
			case blocked:
				c.Blocked++
			case p.Walls.Overlaps(netblock.UnitRange(x.Addr)):
				c.Walled++
				fallthrough
			default:
				c.Left += x.Danger
			}
		}
		if x.Honest {
			c.Honest++
			if blocked {
				c.LostCount++
				c.Lost += x.Loss
			}
		}
	}
	return c
}

// add adds what was counted of another part.
func (c *coverResult) add(o *coverResult) {
	c.Ranges, c.count, c.texts = append(c.Ranges, o.Ranges...), c.count+o.count, append(c.texts, o.text)
	c.Cost, c.Addresses, c.Left, c.Lost, c.Unseen = c.Cost+o.Cost, c.Addresses+o.Addresses, c.Left+o.Left, c.Lost+o.Lost, c.Unseen+o.Unseen
	c.Bad, c.Blocked, c.Honest, c.LostCount, c.Walled = c.Bad+o.Bad, c.Blocked+o.Blocked, c.Honest+o.Honest, c.LostCount+o.LostCount, c.Walled+o.Walled
}
