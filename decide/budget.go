package decide

import (
	"fmt"

	"lastresort/netblock"
)

// BudgetFigure tells how the whole list was held to range.budget: by leaving new ranges out, or by fewer and wider ones.
// What stands already isn't touched.
type BudgetFigure struct {
	Limit  int     `json:"limit"`         // ranges
	Wanted int     `json:"wanted"`        // without it
	Ranges int     `json:"ranges"`        // with it
	Added  float64 `json:"added_per_day"` // to the cost of the new ranges
	Gap    float64 `json:"gap_per_day"`   // no list so short costs over this much less
}

// holdToBudget judges the cases that add ranges again, where all ranges together are more than range.budget, with fewer for
// them: those that cost least in all cases together. unlisted are the ranges of cases that the review leaves out.
func (n *night) holdToBudget(r *Review, unlisted int, again func(*caseFacts) Case) {
	limit := n.policy.Range.Budget
	if limit == 0 {
		return
	}
	wanted, fresh := unlisted, 0
	var posed []netblock.Problem
	var of []int // the case of each problem
	cost := 0.0
	for i := range r.Cases {
		c := &r.Cases[i]
		wanted += len(c.Ranges)
		if c.posed == nil {
			continue
		}
		fresh += len(c.Changed.Add)
		posed, of = append(posed, *c.posed), append(of, i)
		cost += c.posed.Price(rangesOf(c.Changed.Add)).Cost
	}
	if wanted <= limit || len(posed) == 0 {
		return
	}
	held := netblock.Within(posed, max(0, limit-(wanted-fresh)))
	n.held = map[*caseFacts]netblock.Solution{}
	for k, i := range of {
		c := n.cases[r.Cases[i].Netblock]
		n.held[c] = held.Solutions[k]
		r.Cases[i] = again(c)
	}
	r.Budget = &BudgetFigure{Limit: limit, Wanted: wanted, Ranges: unlisted, Added: held.Cost - cost, Gap: held.Gap}
	for i := range r.Cases {
		r.Budget.Ranges += len(r.Cases[i].Ranges)
	}
}

// cover covers the offenders that a rule names, with the ranges that the budget leaves them where the list is full.
func (j *judge) cover(p netblock.Problem) netblock.Solution {
	if s, ok := j.n.held[j.c]; ok {
		return s
	}
	return netblock.Cover(p)
}

// outOfBudget says why a rule that would block has no range.
func (j *judge) outOfBudget(rule Rule) (string, bool) {
	_, held := j.n.held[j.c]
	return fmt.Sprintf("rule %s applies, but the list is full: range.budget is %d, and others' ranges save more", rule, j.n.policy.Range.Budget), held
}
