package htmlpage

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lastresort/decide"
	"lastresort/decide/backtest"
	"lastresort/decide/history"
	"lastresort/netblock"
)

func ranged(t testing.TB, s string) netblock.Range {
	t.Helper()
	r, err := netblock.ParseRange(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOutline(t *testing.T) {
	for _, c := range []struct {
		boxes []box
		want  string
	}{
		{nil, ""},
		{[]box{{0, 0, 1, 1}}, "M0 0h400v400h-400z"},
		{[]box{{0.5, 0.25, 0.25, 0.125}}, "M200 100h100v50h-100z"},
		{[]box{{0, 0, 1e-6, 1e-6}}, "M0 0h5v5h-5z"},
		{[]box{{0.5, 0.5, 1e-6, 1e-6}, {0.501, 0.501, 1e-6, 1e-6}}, "M200 200h5v5h-5z"}, // two in one place are one
		{[]box{{1 - 1e-6, 1 - 1e-6, 1e-6, 1e-6}}, "M395 395h5v5h-5z"},                   // and none leaves the map
	} {
		if got := outline(c.boxes, side, leastMark); got != c.want {
			t.Errorf("%v: %s; wanted %s", c.boxes, got, c.want)
		}
	}
}

func TestSteps(t *testing.T) {
	for _, c := range []struct {
		top  float64
		want string
	}{
		{0, "[0 1]"}, {math.NaN(), "[0 1]"}, {math.Inf(1), "[0 1]"}, {1, "[0 0.2 0.4 0.6000000000000001 0.8 1]"}, {7, "[0 2 4 6 8]"}, {100, "[0 20 40 60 80 100]"},
		{1252156, "[0 500000 1e+06 1.5e+06]"}, {0.03, "[0 0.01 0.02 0.03]"},
	} {
		if got := fmt.Sprint(steps(c.top, 5)); got != c.want {
			t.Errorf("%g: %s; wanted %s", c.top, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		top := rapid.Float64Range(1e-9, 1e18).Draw(t, "top")
		marks := steps(top, 5)
		if last := marks[len(marks)-1]; len(marks) > 6 || last < top*(1-1e-9) || last > 5*top {
			t.Fatalf("%g: %v", top, marks)
		}
	})
}

func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ys := rapid.SliceOfN(rapid.Float64Range(12, 196), 0, 9).Draw(t, "ys")
		got := spread(ys, 11, 12, 196)
		order := slices.Clone(got)
		slices.Sort(order)
		for i, y := range order {
			if y < 12-1e-9 || y > 196+1e-9 || i > 0 && y-order[i-1] < 11-1e-9 {
				t.Fatalf("%v becomes %v", ys, got)
			}
		}
		for i := range ys {
			for k := range ys {
				if ys[i] < ys[k] && got[i] >= got[k] {
					t.Fatalf("%v becomes %v: the order changed", ys, got)
				}
			}
		}
	})
}

func TestLogPart(t *testing.T) {
	for v, want := range map[float64]string{0: "0", -1: "0", math.NaN(): "0", 0.01: "2", 1: "33.33", 10000: "100", 1e9: "100"} {
		if got := logPart(v); got != want {
			t.Errorf("%g: %s; wanted %s", v, got, want)
		}
	}
}

// TestMapsShowEveryPlace draws places far apart, and finds each in the whole and in the map of its stretch.
func TestMapsShowEveryPlace(t *testing.T) {
	places := []place{
		{registered, ranged(t, "203.0.113.0/24"), "case-a"}, {blocked, ranged(t, "203.0.113.16/29"), "case-a"}, {offending, ranged(t, "203.0.113.17"), "case-a"},
		{spared, ranged(t, "203.0.113.200"), "case-a"}, {chosen, ranged(t, "198.51.100.7"), "case-b"}, {blocked, ranged(t, "2001:db8:7::/64"), "case-c"},
	}
	never := netblock.SetOf(ranged(t, "198.51.100.128/25"), ranged(t, "10.0.0.0/8"))
	list := zooms(places, never, map[string]string{"case-a": "203.0.113.0/24", "case-b": "198.51.100.0/24", "case-c": "2001:db8:7::/48"})
	var got []string
	for _, z := range list {
		got = append(got, fmt.Sprintf("%s blocked %d of %g %s, spared %d, chosen %d, offending %d: %v", z.Square, z.Counts["blocked"], z.Blocked, z.Unit, z.Counts["spared"], z.Counts["chosen"], z.Counts["offending"], z.Cases))
	}
	want := []string{
		"198.0.0.0/8 blocked 0 of 0 addresses, spared 0, chosen 1, offending 0: [{198.51.100.0/24 #case-b}]",
		"203.0.0.0/8 blocked 1 of 8 addresses, spared 1, chosen 0, offending 1: [{203.0.113.0/24 #case-a}]",
		"2001:db8::/32 blocked 1 of 1 /64s, spared 0, chosen 0, offending 0: [{2001:db8:7::/48 #case-c}]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q; wanted %q", got, want)
	}
	if d := list[0].Desc; d != "never blocked: 198.51.100.128/25; would be blocked: 198.51.100.7" {
		t.Errorf("in words: %s", d)
	}
	w := world(places[:5], never, list[:2])
	links := 0
	for _, c := range w.Cells {
		if c.Busy {
			links++
		}
	}
	if len(w.Cells) != 256 || links != 2 {
		t.Errorf("%d cells, %d of them lead on", len(w.Cells), links)
	}
}

// TestManyPlacesAreOnePath draws more than each can be a shape of its own.
func TestManyPlacesAreOnePath(t *testing.T) {
	var places []place
	for i := range 2 * mostLinks {
		places = append(places, place{blocked, netblock.Single(netip.AddrFrom4([4]byte{203, byte(i >> 8), byte(i), 7})), "case"})
	}
	s := draw("m", "map", netip.MustParsePrefix("203.0.0.0/8"), places)
	if len(s.Shapes) != 1 || s.Shapes[0].Link != "" {
		t.Errorf("%d shapes", len(s.Shapes))
	}
	if s = draw("m", "map", netip.MustParsePrefix("203.0.0.0/8"), places[:mostLinks]); len(s.Shapes) != mostLinks || s.Shapes[0].Link != "#case" {
		t.Errorf("%d shapes", len(s.Shapes))
	}
}

func TestCaseMaps(t *testing.T) {
	c := decide.Case{Netblock: netip.MustParsePrefix("198.18.0.0/15"), Verdict: decide.BlockVerdict}
	for i := range 6 {
		r := ranged(t, fmt.Sprintf("198.18.%d.7", i*20))
		c.Ranges, c.Offenders = append(c.Ranges, r), append(c.Offenders, r.String())
	}
	maps, more := caseMaps(&c, "case", nil)
	var got []string
	for _, m := range maps {
		got = append(got, m.Square.String())
	}
	want := []string{"198.18.0.0/16", "198.18.0.0/24", "198.18.20.0/24", "198.18.40.0/24", "198.18.60.0/24"}
	if !slices.Equal(got, want) || more != 2 {
		t.Errorf("%v and %d more; wanted %v and 2", got, more, want)
	}
	c = decide.Case{Netblock: netip.MustParsePrefix("203.0.113.0/24"), Offenders: []string{"203.0.113.7"}}
	if maps, more = caseMaps(&c, "case", nil); len(maps) != 1 || maps[0].Square.String() != "203.0.113.0/24" || more != 0 || len(maps[0].Labels) != 1 || maps[0].Labels[0].Text != "7" {
		t.Errorf("%+v", maps)
	}
	c = decide.Case{Netblock: netip.MustParsePrefix("2001:db8:7::/48"), Offenders: []string{"2001:db8:7:1::/64"}}
	if maps, _ = caseMaps(&c, "case", nil); len(maps) != 1 || maps[0].Square.String() != "2001:db8:7::/56" {
		t.Errorf("%+v", maps)
	}
}

// TestTimeLine tells the story of one case, and finds each part of it drawn and in words.
func TestTimeLine(t *testing.T) {
	now := time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
	at := func(days int) time.Time { return now.AddDate(0, 0, days) }
	until, ended := at(30), at(-20)
	d := decide.Dossier{
		Case: decide.Case{Netblock: netip.MustParsePrefix("203.0.113.0/24"), Verdict: decide.BlockVerdict, Until: &until, Changed: decide.CaseChanges{Add: []decide.Standing{{Range: ranged(t, "203.0.113.7")}}}},
		Path: []decide.PathStep{
			{Step: decide.ReportContact, Status: decide.StepDone, Sent: []decide.Sent{{Report: "R-1", At: at(-45), Received: []decide.Received{{At: at(-44), Stance: history.Automatic}}}}},
			{Step: decide.FollowUp, Status: decide.StepDue, Due: "2026-11-02"},
			{Step: decide.ReportUpstream, Status: decide.StepLater, Due: "2026-11-09"},
			{Step: decide.ReportCert, Status: decide.StepSkipped},
			{Step: decide.ReportLawEnforcement, Status: decide.StepSkipped},
		},
		Seen:    []decide.SeenDay{{Day: "2026-10-30", Events: 1}, {Day: "2026-11-01", Events: 100}},
		Blocked: []decide.Episode{{From: at(-34), Until: &ended, End: &ended, Step: 1}},
	}
	line := drawTime("case", &d, now, []decide.Duration{decide.Duration(14 * day), decide.Duration(30 * day), decide.Duration(90 * day)})
	want := "seen on 2 days from 2026-10-30 to 2026-11-01; report R-1 on 2026-09-18, automatic on 2026-09-19; follow-up due 2026-11-02; upstream later 2026-11-09; " +
		"blocked from 2026-09-29 to 2026-10-13, step 1 of the ladder; decided now: blocked until 2026-12-02"
	if line.Desc != want {
		t.Errorf("in words: %s; wanted %s", line.Desc, want)
	}
	var classes []string
	for _, m := range line.Marks {
		classes = append(classes, m.Class)
	}
	for _, b := range line.Bars {
		classes = append(classes, string(b.Class))
	}
	if got := strings.Join(classes, " "); got != "done reply due later past coming" || len(line.Seen) != 2 || len(line.Rungs) != 3 || len(line.Lanes) != 6 {
		t.Errorf("drawn: %s, %d days, %d rungs, %d lanes", got, len(line.Seen), len(line.Rungs), len(line.Lanes))
	}
	if line.Lanes[4].Note != "skipped" || line.Now <= line.Marks[0].X || line.Now < timeLeft || line.Now > timeRight || len(line.Ticks) < 2 || len(line.Ticks) > 7 {
		t.Errorf("%+v", line)
	}
	empty := drawTime("case", &decide.Dossier{}, now, nil)
	if empty.Desc != "" || math.IsNaN(empty.Now) || math.IsNaN(empty.Height) {
		t.Errorf("of nothing: %+v", empty)
	}
}

func TestTicksAreFew(t *testing.T) {
	now := time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
	for days := 1; days < 800; days++ {
		var line timeline
		line.ticks(span{now.AddDate(0, 0, -days), now, timeLeft, timeRight}, 0)
		if len(line.Ticks) > 7 {
			t.Errorf("%d days: %d ticks", days, len(line.Ticks))
		}
	}
}

// TestCharts adds up a made-up replay and looks where the lines end.
func TestCharts(t *testing.T) {
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	r := backtest.Result{From: from, To: from.AddDate(0, 0, 2), Nights: 2, Series: []backtest.Night{{At: from, Seen: backtest.Sum{TwoWay: 60}}, {At: from.AddDate(0, 0, 1), Seen: backtest.Sum{TwoWay: 40}}},
		Scores: []backtest.Score{{Name: "one", Series: []backtest.NightScore{{Ranges: 1, Changes: 1}, {Stopped: backtest.Sum{TwoWay: 40, Honest: 2}, Ranges: 3, Changes: 4}}}, {Name: "none", Series: []backtest.NightScore{{}, {}}}}}
	all := charts(&r, courseOf(&r))
	if len(all) != 4 || all[0].Desc != "all there were: 100 at the end; one: 40 at the end; none: 0 at the end" || all[1].Desc != "one: 2 at the end; none: 0 at the end" ||
		all[2].Desc != "one: 3 at the end; none: 0 at the end" || all[3].Desc != "one: 4 at the end; none: 0 at the end" {
		t.Errorf("%+v", all)
	}
	if l := all[0].Lines[len(all[0].Lines)-1]; l.Class != seenClass || l.PointY != chartTop || l.Path != "M204 85.6L362 12" {
		t.Errorf("%+v", l)
	}
	if k := all[1].Keys; len(k) != 2 || k[0].List[0].Key != "A" || k[1].List[0].Key != "B" || k[0].Y >= k[1].Y {
		t.Errorf("letters %+v", k)
	}
	for i := range 5 {
		r.Scores = append(r.Scores, backtest.Score{Name: fmt.Sprint(i), Series: make([]backtest.NightScore, 2)})
	}
	if k := charts(&r, courseOf(&r))[1].Keys; len(k) != 3 || len(k[1].List) != 4 || len(k[2].List) != 2 { // one; and six that end at nothing
		t.Errorf("letters %+v", k)
	}
	for _, c := range charts(&backtest.Result{From: from, To: from, Scores: []backtest.Score{{Name: "one"}}}, nil) {
		for _, l := range c.Lines {
			if strings.Contains(l.Path, "NaN") {
				t.Errorf("of nothing: %+v", l)
			}
		}
	}
}

func FuzzCleaner(f *testing.F) {
	f.Add([]byte("plain\ntext"), 3)
	f.Add([]byte("\u202e\x00\xff\xc3"), 1)
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		if cut < 1 {
			return
		}
		var out strings.Builder
		c := newCleaner(&out)
		for part := range slices.Chunk(text, cut) {
			if _, err := c.Write(part); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.flush(); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		for i := range lines {
			lines[i] = Printable(lines[i])
		}
		if want := strings.Join(lines, "\n"); out.String() != want {
			t.Errorf("%q in parts of %d becomes %q; wanted %q", text, cut, out.String(), want)
		}
	})
}
