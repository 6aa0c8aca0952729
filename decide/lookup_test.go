package decide_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lastresort/decide"
)

// TestACaseIsJudgedFromWhatIsAroundIt holds that the records of a case's own surroundings give the same judgement of it as
// all records do.
func TestACaseIsJudgedFromWhatIsAroundIt(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, p := situation(r, t)
		for _, want := range decide.Judge(h, p, clock(now)).Cases {
			around := decide.Around(h, want.Netblock)
			found := false
			for _, got := range decide.Judge(around, p, clock(now)).Cases {
				if got.Netblock != want.Netblock {
					continue
				}
				found = true
				if diff := cmp.Diff(asJSON(r, want), asJSON(r, got)); diff != "" {
					r.Fatalf("%s: %s", want.Netblock, diff)
				}
			}
			if !found {
				r.Fatalf("%s is no case from what is around it", want.Netblock)
			}
		}
	})
}

func asJSON(t *rapid.T, v any) string {
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
