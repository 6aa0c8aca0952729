package backtest_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastresort/decide"
	"lastresort/decide/backtest"
	"lastresort/decide/history"
)

func TestTune(t *testing.T) {
	var events []backtest.Event
	for d := range 20 { // one comes daily; another came once with enough for an offender, and again after two weeks
		e := attack("203.0.113.7", "10-01 10:00", 9)
		e.First = e.First.Add(time.Duration(d) * decide.Day)
		e.Last = e.First
		events = append(events, e)
	}
	events = append(events, attack("198.51.100.9", "10-02 10:00", 9), attack("198.51.100.9", "10-12 10:00", 9), login("198.51.100.9", "10-12 11:00"))
	p := policy(t, "")
	o := backtest.Options{From: at("10-01 00:00"), To: at("10-21 00:00"), Every: decide.Day}
	tune := func() []backtest.Point {
		points, err := backtest.Tune(context.Background(), &history.History{}, events, p, o, true)
		if err != nil {
			t.Fatal(err)
		}
		return points
	}
	points := tune()
	if d := cmp.Diff(points, tune(), cmp.Exporter(func(reflect.Type) bool { return true })); d != "" {
		t.Errorf("tuned again: %s", d)
	}
	by := map[string]backtest.Point{}
	for _, x := range points {
		by[x.Text()] = x
		if x.Of != 3 || x.Weeks > x.Of {
			t.Errorf("%s is on the front in %d of %d weeks; expected 3 weeks", x.Text(), x.Weeks, x.Of)
		}
	}
	if points[0].Text() != "as it is" || p.Hostile.Days != 2 {
		t.Errorf("the first point is %s, and the policy now wants %d days", points[0].Text(), p.Hostile.Days)
	}
	sooner, base := by["hostile.days = 1"], by["as it is"]
	if sooner.Stopped <= base.Stopped || sooner.Lost != 1 || base.Lost != 0 || !sooner.Front || !base.Front && base.Ranges > sooner.Ranges {
		t.Errorf("%+v\nand as it is %+v", sooner, base)
	}
	if _, ok := by["hostile.days = 2"]; ok {
		t.Error("the policy's own value is tried as a change")
	}
}

func TestTuneStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := backtest.Tune(ctx, &history.History{}, []backtest.Event{attack("203.0.113.7", "10-01 10:00", 9)}, policy(t, ""), backtest.Options{From: at("10-01 00:00"), To: at("10-02 00:00"), Every: decide.Day}, true); err == nil {
		t.Error("it went on after the context's end")
	}
}
