package decide

import (
	"net/netip"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// Review is the judgement of all cases at one moment.
type Review struct {
	At      time.Time     `json:"at"`
	Cases   []Case        `json:"cases"`
	Changes Changes       `json:"changes"`
	Guards  []Guard       `json:"guards"`
	Budget  *BudgetFigure `json:"budget,omitempty"` // where range.budget left ranges out
	Notes   []Note        `json:"notes"`            // records that contradict others
	Totals  Totals        `json:"totals"`
}

// Case is the judgement of one case.
type Case struct {
	Netblock   netip.Prefix      `json:"netblock"`
	Holder     string            `json:"holder"`
	Verdict    Verdict           `json:"verdict"`
	Permanent  bool              `json:"permanent"`
	Until      *time.Time        `json:"until"` // nil where nothing is blocked, or for good
	Rule       Rule              `json:"rule"`
	Evidence   string            `json:"evidence"`
	Registered bool              `json:"registered"`
	Ranges     []netblock.Range  `json:"ranges"`
	Offenders  []string          `json:"offenders"`
	Danger     DangerFigure      `json:"danger"`
	Loss       LossFigure        `json:"loss"`
	Contact    ContactFigure     `json:"contact"`
	Checklist  []Answered        `json:"checklist"`
	Actions    []Action          `json:"actions"`
	Approval   string            `json:"approval"`
	Blocks     []BlockFigure     `json:"blocks,omitempty"`
	Context    ContextFigure     `json:"context"`
	Spared     []string          `json:"spared,omitempty"`    // honest sources near the ranges and offenders, in none of them
	Protected  []netblock.Range  `json:"protected,omitempty"` // what of the netblock must never be blocked
	Changed    CaseChanges       `json:"-"`
	Standing   []Standing        `json:"-"` // before the verdict
	Notice     []history.Release `json:"-"` // blocks that ran out and have no release on record yet
	by         string            // who is behind a release
	posed      *netblock.Problem // that its new ranges solve
	lost       float64           // honest value a day that its new ranges lose
}

// DangerFigure is a case's danger.
type DangerFigure struct {
	PerDay float64 `json:"per_day"`
	Level  Level   `json:"level"`
}

// LossFigure is what a case's ranges lose of honest traffic, and from whom.
type LossFigure struct {
	PerDay  float64  `json:"per_day"`
	Sources []string `json:"sources"`
}

// ContactFigure is who answers for a case's netblock.
type ContactFigure struct {
	Address string `json:"address"`
	Opinion
}

// BlockFigure is one range that a block verdict wants in force. Until is nil for good.
type BlockFigure struct {
	Range netblock.Range `json:"range"`
	From  time.Time      `json:"from"`
	Until *time.Time     `json:"until"`
}

// ContextFigure counts sightings in the window that are told and weigh nothing.
type ContextFigure struct {
	OneWay int64 `json:"one_way"`
	Others int64 `json:"others"`
}

// Changes counts the ranges that a review changes.
type Changes struct {
	Add       int `json:"add"`
	Change    int `json:"change"`
	Remove    int `json:"remove"`
	Unchanged int `json:"unchanged"`
}

// CaseChanges are the ranges that one case's verdict changes.
type CaseChanges struct {
	Add, Change []Standing
	Remove      []netblock.Range
	Unchanged   int
}

// Any tells whether there is any.
func (c *CaseChanges) Any() bool { return len(c.Add)+len(c.Change)+len(c.Remove) > 0 }

// Totals sum up a review. Sources in no case are those of which nothing but being seen is known.
type Totals struct {
	Cases     int             `json:"cases"`
	Verdicts  map[Verdict]int `json:"verdicts"`
	Offenders int             `json:"offenders"`
	Sources   int             `json:"sources"` // seen in the window
	NoCase    int             `json:"no_case"` // of these, in no case
	OneWay    int64           `json:"one_way"` // events, context
	Others    int64           `json:"others"`  // events, context
}
