package htmlpage_test

import (
	"bytes"
	"fmt"
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
	for _, every := range []time.Duration{24 * time.Hour, time.Hour, 20 * time.Minute} {
		r, page := replayed(t, world(), every)
		root, _ := read(t, page)
		want := generic(t, r)
		holds(t, "backtest", root, want, "scores", "course")
		scores := want["scores"].([]any)
		if len(root.items["scores"]) != len(scores) || len(scores) < 6 {
			t.Fatalf("%d ways on the page; JSON has %d", len(root.items["scores"]), len(scores))
		}
		lost := 0
		for n, s := range scores {
			s := s.(map[string]any)
			holds(t, s["name"].(string), root.items["scores"][n], s, "lost_sources", "course")
			holds(t, s["name"].(string), root.items["lost"][n], map[string]any{"lost_sources": s["lost_sources"]})
			lost += len(s["lost_sources"].([]any))
		}
		if lost == 0 {
			t.Error("no way loses anybody; expected one to, so that the list is put to the test")
		}
		if len(root.items["course"]) != len(r.Course) {
			t.Errorf("%d stretches; JSON has %d", len(root.items["course"]), len(r.Course))
		}
		for n, s := range want["course"].([]any) {
			s := s.(map[string]any)
			delete(s["seen"].(map[string]any), "one_way") // of no curve
			i := root.items["course"][n]
			holds(t, "course", i, s, "nights")
			for k, way := range r.Scores {
				x := way.Course[n]
				if got, want := i.props["stopped.two_way"][k]+" "+i.props["stopped.honest"][k]+" "+i.props["ranges"][k]+" "+i.props["changes"][k],
					fmt.Sprint(x.Stopped.TwoWay, x.Stopped.Honest, x.Ranges, x.Changes); got != want {
					t.Errorf("%s, stretch %d: %s; JSON says %s", way.Name, n, got, want)
				}
			}
		}
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
