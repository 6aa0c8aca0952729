package htmlpage_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"lastresort/decide/backtest"
	"lastresort/decide/history"
	"lastresort/decide/htmlpage"
)

// replayed plays the made-up world's last days.
func replayed(t *testing.T, h *history.History, every time.Duration) (backtest.Result, []byte) {
	t.Helper()
	o := backtest.Options{From: now.AddDate(0, 0, -12), To: now, Every: every}
	r, err := backtest.Run(t.Context(), h, backtest.EventsOf(h), policy(t, "[path]\nrequired = false\n"), o, true)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := htmlpage.Backtest(&out, &r); err != nil {
		t.Fatal(err)
	}
	return r, out.Bytes()
}

func TestBacktestPageSaysWhatJSONSays(t *testing.T) {
	for _, every := range []time.Duration{24 * time.Hour, 7 * time.Hour} {
		r, page := replayed(t, world(), every)
		root, _ := read(t, page)
		want := generic(t, r)
		holds(t, "backtest", root, want, "scores", "series")
		scores := want["scores"].([]any)
		if len(root.items["scores"]) != len(scores) || len(scores) < 6 {
			t.Fatalf("%d ways on the page; JSON has %d", len(root.items["scores"]), len(scores))
		}
		lost := 0
		for n, s := range scores {
			s := s.(map[string]any)
			holds(t, s["name"].(string), root.items["scores"][n], s, "lost_by", "series")
			holds(t, s["name"].(string), root.items["lost"][n], map[string]any{"lost_by": s["lost_by"]})
			lost += len(s["lost_by"].([]any))
		}
		if lost == 0 {
			t.Error("no way loses anybody; expected one to, so that the list is put to the test")
		}
		if len(root.items["series"]) != len(r.Series) {
			t.Errorf("%d nights; JSON has %d", len(root.items["series"]), len(r.Series))
		}
		for n, s := range want["series"].([]any) {
			s := s.(map[string]any)
			delete(s["seen"].(map[string]any), "one_way") // of no curve
			i := root.items["series"][n]
			holds(t, "series", i, s)
			for k, way := range r.Scores {
				x := way.Series[n]
				if got, want := i.props["stopped.two_way"][k]+" "+i.props["stopped.honest"][k]+" "+i.props["ranges"][k]+" "+i.props["changes"][k],
					fmt.Sprint(x.Stopped.TwoWay, x.Stopped.Honest, x.Ranges, x.Changes); got != want {
					t.Errorf("%s, night %d: %s; JSON says %s", way.Name, n, got, want)
				}
			}
		}
	}
}

// TestManyNightsAreStretches draws more nights than a page does one by one, and finds none lost.
func TestManyNightsAreStretches(t *testing.T) {
	r := backtest.Result{From: now, Every: "1h", Nights: 864, Scores: []backtest.Score{{Name: "one"}, {Name: "other"}}}
	for i := range r.Nights {
		r.Series = append(r.Series, backtest.Night{At: now.Add(time.Duration(i) * time.Hour), Seen: backtest.Sum{TwoWay: int64(i)}})
		for k := range r.Scores {
			s := &r.Scores[k]
			x := backtest.NightScore{Stopped: backtest.Sum{TwoWay: int64(i * (k + 1) % 7)}, Ranges: (i*31 + k) % 100}
			s.Series = append(s.Series, x)
			s.Stopped.TwoWay, s.Most = s.Stopped.TwoWay+x.Stopped.TwoWay, max(s.Most, x.Ranges)
		}
	}
	r.To = now.Add(864 * time.Hour)
	var out bytes.Buffer
	if err := htmlpage.Backtest(&out, &r); err != nil {
		t.Fatal(err)
	}
	root, _ := read(t, out.Bytes())
	if len(root.items["series"]) != 432 {
		t.Fatalf("%d stretches", len(root.items["series"]))
	}
	for k, way := range r.Scores {
		sum, most := 0, 0
		for _, i := range root.items["series"] {
			n, err := strconv.Atoi(i.props["stopped.two_way"][k])
			if err != nil {
				t.Fatal(err)
			}
			m, err := strconv.Atoi(i.props["ranges"][k])
			if err != nil {
				t.Fatal(err)
			}
			sum, most = sum+n, max(most, m)
		}
		if int64(sum) != way.Stopped.TwoWay || most != way.Most {
			t.Errorf("%s: %d stopped and %d ranges at most by stretches; %d and %d in all", way.Name, sum, most, way.Stopped.TwoWay, way.Most)
		}
	}
}

// TestBoundsAreSaidToBe draws a way of which only a bound is known.
func TestBoundsAreSaidToBe(t *testing.T) {
	r, _ := replayed(t, world(), 24*time.Hour)
	r.Scores[1].AtMost = true
	r.Scores[1].Series = nil
	var out bytes.Buffer
	if err := htmlpage.Backtest(&out, &r); err != nil {
		t.Fatal(err)
	}
	if page := out.String(); !strings.Contains(page, "≤ <data") || !strings.Contains(page, ">?</data>") {
		t.Error("a bound isn't said to be one")
	}
}

func TestBacktestPageOfNothing(t *testing.T) {
	_, page := replayed(t, &history.History{}, 24*time.Hour)
	if root, _ := read(t, page); len(root.items["scores"]) == 0 || strings.Contains(string(page), "NaN") {
		t.Errorf("%s", page)
	}
}

func TestBacktestPageSameBytes(t *testing.T) {
	_, a := replayed(t, world(), 24*time.Hour)
	if _, b := replayed(t, world(), 24*time.Hour); !bytes.Equal(a, b) {
		t.Error("the page differs from one drawing to the next")
	}
}
