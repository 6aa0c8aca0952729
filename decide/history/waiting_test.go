package history

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

func TestWaiting(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "history.db"), Options{Write: true, Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 10, 2, 8, 0, 0, 0, time.UTC)
	await := func(responses []Response, all ...Waiting) string {
		t.Helper()
		fresh, known, left, err := s.Await(t.Context(), all, responses)
		if err != nil {
			t.Fatal(err)
		}
		open, err := s.Waiting(t.Context(), responses)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d new, %d known, %d left, %d open", fresh, known, left, len(open))
	}
	one, two := Waiting{Report: "R-1", At: at, Mail: "a"}, Waiting{Report: "R-1", At: at.Add(time.Hour), Mail: "b"}
	for _, c := range []struct {
		responses []Response
		all       []Waiting
		want      string
	}{
		{nil, []Waiting{one, two, one}, "2 new, 1 known, 0 left, 2 open"},
		{[]Response{{Report: "R-2", At: at, Stance: Fixed}, {Report: "R-1", At: at.Add(-1), Stance: Fixed}}, []Waiting{two}, "0 new, 1 known, 0 left, 2 open"},
		{[]Response{{Report: "R-1", At: at.Add(time.Minute), Stance: Automatic}}, nil, "0 new, 0 known, 0 left, 2 open"}, // a program's answer settles nothing but itself
		{[]Response{{Report: "R-1", At: at, Stance: Automatic}}, []Waiting{one}, "0 new, 1 known, 0 left, 1 open"},
		{[]Response{{Report: "R-1", At: at.Add(2 * time.Hour), Stance: Hostile}}, []Waiting{one, two}, "0 new, 2 known, 0 left, 0 open"},
	} {
		if got := await(c.responses, c.all...); got != c.want {
			t.Errorf("%v: %s; expected %s", c.responses, got, c.want)
		}
	}
	var many []Waiting
	for i := range mostWaiting + 50 {
		many = append(many, Waiting{Report: "R-3", At: at, Mail: fmt.Sprint(i)})
	}
	if got := await(nil, many...); got != "1000 new, 0 known, 50 left, 1000 open" {
		t.Error(got)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
