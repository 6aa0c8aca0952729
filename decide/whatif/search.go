package whatif

import (
	"math"
	"strconv"

	"lastresort/decide"
)

// span is where a number may be turned.
type span struct {
	was, least, most float64
	whole            bool
}

// steps are how far from its value a whole number is tried, and factors by how much any other.
var (
	steps   = []float64{1, 2, 3, 5, 8, 14, 30, 90, 365, 1000, 10000, 100000}
	factors = []float64{1.02, 1.1, 1.25, 1.5, 2, 3, 5, 10, 30, 100, searchedTo}
)

// probes are the values tried on one side of a number, nearest first.
func (s span) probes(up bool) []float64 {
	var out []float64
	add := func(v float64) {
		v = min(max(v, s.least), s.most)
		if v != s.was && (len(out) == 0 || out[len(out)-1] != v) {
			out = append(out, v)
		}
	}
	sign := -1.0
	if up {
		sign = 1
	}
	switch {
	case s.whole:
		for _, d := range steps {
			add(s.was + sign*d)
		}
	case up && s.was == 0:
		for _, v := range []float64{0.001, 0.01, 0.1, 1, 10, 100} {
			add(v)
		}
	case s.was > 0:
		for _, f := range factors {
			add(s.was * math.Pow(f, sign))
		}
		if !up {
			add(0)
		}
	}
	return out
}

// nearest finds, of all values of a number, the nearest with the strongest effect that any value tried has.
func (a *asker) nearest(s span, try func(float64) outcome) (float64, outcome, Effect) {
	known := map[float64]outcome{}
	at := func(v float64) outcome {
		o, ok := known[v]
		if !ok {
			o = try(v)
			known[v] = o
		}
		return o
	}
	for _, e := range effects {
		best, far := 0.0, math.Inf(1)
		for _, up := range []bool{false, true} {
			within := s.was
			for _, v := range s.probes(up) {
				if at(v).effect(a.before) == e {
					v = s.narrow(within, v, func(x float64) bool { return at(x).effect(a.before) == e })
					if d := distance(s.was, v); d < far {
						best, far = v, d
					}
					break
				}
				within = v
			}
		}
		if !math.IsInf(far, 1) {
			return best, at(best), e
		}
	}
	return 0, outcome{}, none
}

// narrow brings a value that has an effect as near as it can to one that hasn't; a broken number to three digits or, where
// they are too few, to more.
func (s span) narrow(without, with float64, has func(float64) bool) float64 {
	for range 60 {
		middle := (without + with) / 2
		if s.whole {
			middle = math.Trunc(middle)
		}
		if middle == without || middle == with || !s.whole && math.Abs(with-without) <= 1e-6*math.Abs(with) {
			break
		}
		if has(middle) {
			with = middle
		} else {
			without = middle
		}
	}
	if s.whole {
		return with
	}
	for digits := 3; digits < 9; digits++ {
		for _, v := range []float64{rounded(with, digits, math.Round), rounded(with, digits, math.Floor), rounded(with, digits, math.Ceil)} {
			if v >= s.least && v <= s.most && v != s.was && has(v) {
				return v
			}
		}
	}
	return with
}

// rounded is a number to some digits.
func rounded(v float64, digits int, round func(float64) float64) float64 {
	if v == 0 {
		return 0
	}
	step := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-float64(digits-1))
	r, err := strconv.ParseFloat(strconv.FormatFloat(round(v/step)*step, 'g', digits, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// measures tries all danger, and all honest traffic, weighing more or less together.
func (a *asker) measures() {
	danger := a.d.Case.Danger.PerDay
	a.scale("danger", danger, func(p *decide.Policy, by float64) {
		for _, part := range a.d.Danger {
			for kind := range part.Events {
				if _, named := p.Danger.Severity[kind]; !named {
					p.Danger.Severity[kind] = 1
				}
			}
		}
		for kind := range p.Danger.Severity {
			p.Danger.Severity[kind] *= by
		}
	})
	honest := 0.0
	for _, part := range a.d.Loss {
		honest += part.PerDay
	}
	a.scale("honest traffic worth", honest, func(p *decide.Policy, by float64) {
		for _, part := range a.d.Loss {
			if _, named := p.Loss.Value[part.Service]; !named {
				p.Loss.Value[part.Service] = 1
			}
		}
		for service := range p.Loss.Value {
			p.Loss.Value[service] *= by
		}
	})
}

// scale tries an amount a day multiplied, and tells of the nearest that has an effect.
func (a *asker) scale(what string, was float64, by func(*decide.Policy, float64)) {
	if was <= 0 {
		return
	}
	try := func(times float64) outcome { return a.ask(func(c *changed) { by(&c.p, times) }) }
	times, o, e := a.nearest(span{was: 1, most: searchedTo}, try)
	if e == none {
		return
	}
	c := change(Measure, o, e, what+" "+perDay(was)+" → "+perDay(was*times)+" a day, "+perDay(times)+" times")
	c.From, c.To, c.far = perDay(was), perDay(was*times), distance(1, times)
	a.found = append(a.found, c)
}

func perDay(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
