package htmlpage

import (
	"math"
	"strconv"
	"strings"
)

// number prints a coordinate, to a hundredth.
func number(v float64) string {
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

// outline is the path data of some boxes, drawn with a side and none smaller than least; each place is drawn once.
func outline(boxes []box, side, least float64) string {
	var out strings.Builder
	drawn := map[box]bool{}
	for _, b := range boxes {
		b = b.drawn(side, least)
		if drawn[b] {
			continue
		}
		drawn[b] = true
		out.WriteString("M" + number(b.x) + " " + number(b.y) + "h" + number(b.w) + "v" + number(b.h) + "h" + number(-b.w) + "z")
	}
	return out.String()
}

// drawn scales a box. One that would be too small to be seen is drawn around its place as large as least, at the nearest
// multiple of that, so that many in one place are one.
func (b box) drawn(side, least float64) box {
	b = box{b.x * side, b.y * side, b.w * side, b.h * side}
	if b.w < least {
		b.x, b.w = math.Floor((b.x+b.w/2)/least)*least, least
	}
	if b.h < least {
		b.y, b.h = math.Floor((b.y+b.h/2)/least)*least, least
	}
	return b
}

// polyline is the path data of a line through points.
func polyline(xs, ys []float64) string {
	var out strings.Builder
	for i := range xs {
		out.WriteString(map[bool]string{true: "M", false: "L"}[i == 0] + number(xs[i]) + " " + number(ys[i]))
	}
	return out.String()
}

// steps returns about most round marks from 0 to the first at or past top.
func steps(top float64, most int) []float64 {
	if !(top > 0) || math.IsInf(top, 0) {
		return []float64{0, 1}
	}
	size := math.Pow(10, math.Floor(math.Log10(top/float64(most))))
	for _, k := range []float64{1, 2, 5, 10} {
		if n := math.Ceil(top/(k*size) - 1e-9); n <= float64(most) {
			out := []float64{}
			for i := range int(n) + 1 {
				out = append(out, float64(i)*k*size)
			}
			return out
		}
	}
	return []float64{0, top}
}

// spread moves labels apart until each is at least gap below the one above, within from and to as far as they fit; the
// order of ys is kept.
func spread(ys []float64, gap, from, to float64) []float64 {
	order := make([]int, len(ys))
	for i := range order {
		order[i] = i
	}
	for i := 1; i < len(order); i++ { // few labels: insertion keeps equal ones in their order
		for k := i; k > 0 && ys[order[k]] < ys[order[k-1]]; k-- {
			order[k], order[k-1] = order[k-1], order[k]
		}
	}
	out := make([]float64, len(ys))
	last := from - gap
	for _, i := range order {
		last = max(ys[i], last+gap)
		out[i] = last
	}
	below := to + gap
	for k := len(order) - 1; k >= 0; k-- {
		i := order[k]
		if out[i] > below-gap {
			out[i] = below - gap
		}
		below = out[i]
	}
	return out
}
