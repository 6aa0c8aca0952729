package decide_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lastresort/decide"
	"lastresort/decide/history"
)

func TestContradictions(t *testing.T) {
	hits := daily("203.0.113.7", "10-28", "11-01", 20)
	other := hosting("203.0.113.0/24")
	other.Holder = "Somebody Else"
	later := other
	later.At = clock("10-20 00:00")
	cased := block("203.0.113.7", "10-30 00:00", "11-10 00:00")
	cased.Case = netip.MustParsePrefix("203.0.113.0/24")
	wide := block("203.0.112.0/23", "10-30 00:00", "11-10 00:00")
	wide.Case = netip.MustParsePrefix("203.0.112.0/24")
	old := block("203.0.113.9", "08-01 00:00", "08-10 00:00")
	for _, c := range []struct {
		name    string
		records []any
		want    []string // kind and a part of what is said
	}{
		{"all is well", []any{hosting("203.0.113.0/24"), hits, asked("203.0.113.7"), response("R1", "10-02 00:00", history.Automatic), cased, later, old,
			answer("203.0.113.0/24", history.OthersQuestion, "10-20 00:00", "no"), answer("203.0.113.0/24", history.OthersQuestion, "10-21 00:00", "yes")}, nil},
		{"a response before its report", []any{hosting("203.0.113.0/24"), hits, report("R1", "10-20 00:00", "203.0.113.7"), response("R1", "10-19 23:59", history.Helping)},
			[]string{"response-before-report its report is of 2026-10-20 00:00; it can stop the path, and can't push it on"}},
		{"a refusal before its report", []any{hosting("203.0.113.0/24"), hits, report("R1", "10-20 00:00", "203.0.113.7"), response("R1", "10-19 23:59", history.Bounced)},
			[]string{"response-before-report its report is of 2026-10-20 00:00; it counts for nothing"}},
		{"at the moment of its report it is none", []any{hosting("203.0.113.0/24"), hits, report("R1", "10-20 00:00", "203.0.113.7"), response("R1", "10-20 00:00", history.Bounced)}, nil},
		{"a response to nothing", []any{hosting("203.0.113.0/24"), hits, response("R9", "10-19 23:59", history.Bounced)},
			[]string{`response-without-report no report "R9" is on record; it counts for nothing`}},
		{"a report to nobody", []any{hosting("203.0.113.0/24"), hits, reportTo("R1", "10-20 00:00", "203.0.113.7", history.Upstream, " ")},
			[]string{"report-to-nobody it names nobody whom it went to; it counts as never sent"}},
		{"two reports of one name", []any{hosting("203.0.113.0/24"), hits, report("R1", "10-20 00:00", "203.0.113.7"), report("R1", "10-21 00:00", "203.0.113.7")},
			[]string{`report-twice 2 reports have the id "R1"`, `report-twice 2 reports have the id "R1"`}},
		{"a follow-up of nothing", []any{hosting("203.0.113.0/24"), hits, followUp("R2", "10-20 00:00", "203.0.113.7", "R1")},
			[]string{`follow-up-of-nothing no report "R1" is on record`}},
		{"two holders at one moment", []any{hosting("203.0.113.0/24"), other, hits},
			[]string{`two-holders 203.0.113.0/24 is registered to "Example Hosting" and to "Somebody Else" at the same moment; the one recorded later counts`}},
		{"two opinions at one moment", []any{hosting("203.0.113.0/24"), hits, history.Contact{Address: "a@example.net", Trust: history.Trusted},
			history.Contact{Address: "A@example.net", Trust: history.Untrusted}}, []string{"two-trusts A@example.net is trusted and untrusted at the same moment"}},
		{"two answers at one moment", []any{hosting("203.0.113.0/24"), hits, answer("203.0.113.0/24", history.OthersQuestion, "10-20 00:00", "no"),
			answer("203.0.113.0/24", history.OthersQuestion, "10-20 00:00", "yes")}, []string{`two-answers others is answered "no" and "yes" at the same moment`}},
		{"a block without a case", []any{hosting("203.0.113.0/24"), hits, block("203.0.113.7", "10-30 00:00", "11-10 00:00")},
			[]string{"block-without-case no case is on record for it; it counts to 203.0.113.0/24, in which it lies"}},
		{"a block for good without a case", []any{hosting("203.0.113.0/24"), hits, block("203.0.113.7", "08-30 00:00", "")}, []string{"block-without-case no case"}},
		{"a block across a border", []any{hosting("203.0.113.0/24"), hits, wide}, []string{"block-across it reaches across the border of 203.0.112.0/24; it counts to 203.0.112.0/24 alone"}},
		{"a block over a netblock inside its own", []any{hosting("203.0.113.0/24"), hosting("203.0.113.64/26"), hits, func() history.Block {
			b := cased
			b.Range = rng("203.0.113.0/24")
			return b
		}()}, []string{"block-across it reaches across the border of 203.0.113.64/26; it counts to 203.0.113.0/24 alone"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			notes := decide.Judge(gather(c.records...), policy(t, ""), clock(now)).Notes
			if len(notes) != len(c.want) {
				t.Fatalf("%d notes %v; expected %d", len(notes), notes, len(c.want))
			}
			for i, x := range notes {
				if got := string(x.Kind) + " " + x.Why; !strings.HasPrefix(got, c.want[i]) {
					t.Errorf("%s; expected %s", got, c.want[i])
				}
				if _, err := history.Decode(x.Record); err != nil {
					t.Errorf("the record with it is %s: %v", x.Record, err)
				}
			}
		})
	}
}

func TestAhead(t *testing.T) {
	h := gather(hosting("203.0.113.0/24"), daily("203.0.113.7", "10-28", "11-03", 20), report("R1", "11-05 00:00", "203.0.113.7"), honest("203.0.113.8", "11-04", "web", 1),
		response("R1", "11-02 02:00", history.Automatic), block("203.0.113.7", "11-02 02:01", "11-10 00:00"), hold("203.0.113.9", "11-01 00:00", "12-01 00:00"))
	show := func(notes []decide.Note) string {
		var out []string
		for _, x := range notes {
			kind := "nothing"
			if r, err := history.Decode(x.Record); err == nil {
				kind = r.Type()
			}
			out = append(out, fmt.Sprintf("%s %s", x.Kind, kind))
		}
		return strings.Join(out, "; ")
	}
	if got, want := show(decide.Ahead(h, clock(now), time.Time{})), "in-the-future block; in-the-future sighting; in-the-future sighting; in-the-future traffic; in-the-future report"; got != want {
		t.Errorf("%s; expected %s", got, want)
	}
	if got, want := show(decide.Ahead(h, clock("11-06 00:00"), clock("11-06 00:01"))), "clock-set-back nothing"; got != want {
		t.Errorf("%s; expected %s", got, want)
	}
	if got := show(decide.Ahead(h, clock("11-06 00:00"), clock("11-06 00:00"))); got != "" {
		t.Errorf("%s; expected nothing", got)
	}
}

// TestWhatMakesNoSenseBlocksNobody holds that a record that contradicts others never adds a blocked address.
func TestWhatMakesNoSenseBlocksNobody(t *testing.T) {
	stances := []history.Stance{history.Automatic, history.Asked, history.Helping, history.Fixed, history.Unhelpful, history.Hostile, history.Bounced}
	rapid.Check(t, func(r *rapid.T) {
		h, p := situation(r, t)
		odd := copied(h)
		kinds := []string{"nobody", "nothing", "future"}
		if len(h.Reports) > 0 {
			kinds = append(kinds, "early", "early")
		}
		switch kind := rapid.SampledFrom(kinds).Draw(r, "kind"); kind {
		case "nobody":
			x := history.Report{ID: "odd", At: clock(now).Add(-time.Duration(rapid.IntRange(1, 24*60).Draw(r, "ago")) * time.Hour), Source: netip.MustParseAddr(rapid.SampledFrom(worldSources).Draw(r, "source")),
				Role: rapid.SampledFrom([]history.Role{history.Contacted, history.Upstream, history.Cert, history.LawEnforcement}).Draw(r, "role")}
			odd.Reports = append(odd.Reports, x)
		case "nothing":
			odd.Responses = append(odd.Responses, history.Response{Report: "none", At: clock(now).Add(-time.Hour), Stance: rapid.SampledFrom(stances).Draw(r, "stance")})
		case "early":
			x := rapid.SampledFrom(h.Reports).Draw(r, "report")
			at := x.At.Add(-time.Duration(rapid.IntRange(1, 24*30).Draw(r, "before")) * time.Hour)
			odd.Responses = append(odd.Responses, history.Response{Report: x.ID, At: at, Stance: rapid.SampledFrom(stances).Draw(r, "stance")})
		default:
			odd.Sightings = append(odd.Sightings, history.Sighting{Source: netip.MustParseAddr(rapid.SampledFrom(worldSources).Draw(r, "source")), First: clock(now).Add(-time.Hour),
				Last: clock(now).Add(time.Second), Kind: "break-in", Count: 9000, Proof: history.TwoWay, Reporter: "local"})
		}
		before, after := decide.Judge(h, p, clock(now)), decide.Judge(odd, p, clock(now))
		if more := blocked(&after).Minus(blocked(&before)); !more.IsEmpty() {
			r.Fatalf("it adds %v", more.Ranges())
		}
	})
}
