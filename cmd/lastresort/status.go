package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/firewall"
	"lastresort/netblock"
)

func (a *app) statusCommand() *cobra.Command {
	return a.prints(&cobra.Command{
		Use:   "status",
		Short: "is everything in force as intended?",
		Long: "Checks the store, and holds what the kernel has against what the history wants in force: that the table is there\n" +
			"with its sets, chain and rules as they are built, that the chain is hooked where nothing comes before routing, and\n" +
			"that each range is held until its end. Where they differ the exit status is 1, with what to do. That packets are\n" +
			"dropped the ranges' counters show.\n\n" +
			"Beside that it tells how often the whole ruleset changed since lastresort last did, whether the table\n" +
			"is another one, and who changed it, where the machine keeps an audit log; and which flowtables there are, for a\n" +
			"forwarded connection that is in one already is dropped only once it ends.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			policy, err := a.policy()
			if err != nil {
				return err
			}
			return a.reading(c.Context(), func(s *history.Store) error { return a.status(c.Context(), s, &policy) })
		},
	})
}

// health is what status finds.
type health struct {
	Store     string      `json:"store"`
	Records   int         `json:"records"`    // sightings and traffic left out
	Seen      int         `json:"seen"`       // rows of sightings and traffic
	Review    *time.Time  `json:"review"`     // the last one's; nil for none
	Waiting   int         `json:"waiting"`    // records that the last review proposed and that wait for apply
	ConfirmBy *time.Time  `json:"confirm_by"` // until when the last apply waits for confirm; nil where it doesn't
	Late      bool        `json:"late"`       // nobody did in time: it is undone
	LetGo     int         `json:"let_go"`     // of the ranges that it added, those that the kernel has let go of
	Table     string      `json:"table"`      // of nftables
	Faults    []string    `json:"faults"`     // of the table
	Intended  int         `json:"intended"`   // ranges
	Held      int         `json:"held"`       // of these, by the kernel
	Missing   []string    `json:"missing"`
	Differ    []string    `json:"differ"` // they end at another time
	Excess    []string    `json:"excess"`
	Foreign   []string    `json:"foreign"` // held, and never was ours: somebody else put it there
	Beside    beside      `json:"beside"`
	Ending    int         `json:"ending"` // ran out, the kernel's own timeout is still to come
	Dropped   uint64      `json:"dropped"`
	Cost      float64     `json:"packet_cost"` // of an innocent source, an estimate; 1 is without a table
	Logs      []logHealth `json:"logs"`
	OK        bool        `json:"ok"`

	mode  firewall.Mode
	early bool     // late, although there would be time yet by our clock
	ends  []string // of those that differ, how
}

func (a *app) status(ctx context.Context, s *history.Store, policy *decide.Policy) error {
	if err := s.Check(ctx); err != nil {
		return err
	}
	now := a.env.now()
	n, err := a.tonight(ctx, s, now, nil)
	if err != nil {
		return err
	}
	h := healthOf(s.Path(), &n)
	if h.Seen, err = s.Rows(ctx); err != nil {
		return err
	}
	if h.Logs, err = logsHealth(ctx, s); err != nil {
		return err
	}
	h.Table = "inet " + policy.Firewall.Table
	state, err := a.held(ctx, policy)
	if err != nil {
		return err
	}
	want, last, waits, err := a.intended(ctx, s, &n.history, policy, state, now)
	if err != nil {
		return err
	}
	if last.Waits() {
		trial := onTrial(&n.history, policy, last, last.At)
		h.ConfirmBy, h.Late, h.LetGo = dateTime(last.ConfirmBy), !waits, undone(trial, state)
		h.early = h.Late && now.Before(last.ConfirmBy)
	}
	h.Intended = len(want.standing)
	cfg := a.kernel(policy).Config()
	plan, err := cfg.Diff(state, want.wants(), want.allow, now)
	if err != nil {
		return err
	}
	h.compare(cfg, plan, state, ranOut(&n.history, policy, now, cfg.Jitter))
	h.foreign(want)
	if h.Beside, err = a.beside(ctx, s, policy); err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(h)
	} else {
		a.page().health(h)
	}
	if err == nil && !h.OK {
		hint := "lastresort apply brings the kernel to what is intended; lastresort diff shows the change first"
		if waits {
			hint = "lastresort confirm keeps what waits for it, lastresort undo goes back; either brings the kernel to what is intended"
		}
		if gap, last, err := a.behind(ctx, s, policy); err == nil && gap > 0 {
			hint = fmt.Sprintf("the clock says %s, and the kernel was last changed at %s: set the clock", clock(now), clock(last))
		}
		return &failure{code: exitFailed, err: errors.New("the kernel doesn't hold what is intended"), hint: hint}
	}
	return err
}

// logsHealth tells of every log that was ever read, by name.
func logsHealth(ctx context.Context, s *history.Store) ([]logHealth, error) {
	positions, err := s.Positions(ctx)
	if err != nil {
		return nil, err
	}
	out := []logHealth{}
	for _, path := range slices.Sorted(maps.Keys(positions)) {
		state, err := stateOf(positions, path)
		if err != nil {
			return nil, err
		}
		out = append(out, logHealthOf(path, state))
	}
	return out, nil
}

func healthOf(store string, n *night) health {
	x := &n.history
	h := health{Foreign: []string{}, Store: store, Records: len(x.Netblocks) + len(x.Contacts) + len(x.Reports) + len(x.Responses) + len(x.Answers) + len(x.Holds) +
		len(x.Blocks) + len(x.Releases) + len(x.Protects), Review: dateTime(n.proposal.At)}
	for _, r := range unknown(x, n.records) {
		if notice, isRelease := r.(history.Release); !isRelease || notice.By != history.ByExpiry { // what ran out waits for nobody
			h.Waiting++
		}
	}
	h.Waiting += len(n.held)
	return h
}

// compare fills in what the kernel holds against what it should. A kernel that is to drop nothing needs no table.
// What ran out of late may be there until the kernel's own timeout; what else is too many isn't ours.
func (h *health) compare(cfg firewall.Config, plan firewall.Plan, state firewall.State, ran map[netblock.Range]bool) {
	h.Faults, h.Missing, h.Differ, h.Excess = state.Faults, []string{}, []string{}, []string{}
	if h.Faults == nil {
		h.Faults = []string{}
	}
	if !state.Exists && h.Intended > 0 {
		h.Faults = append(h.Faults, "the table isn't there: nothing is dropped")
	}
	held := map[string]bool{}
	for _, e := range state.Elements {
		held[e.Range.String()] = true
		h.Dropped += e.Packets
	}
	for s := range plan.Adds() {
		if !held[s.Range.String()] {
			h.Missing = append(h.Missing, s.Range.String())
		}
	}
	for _, s := range plan.Change {
		h.Differ = append(h.Differ, s.Range.String())
		h.ends = append(h.ends, fmt.Sprintf("%s (%s instead of %s)", s.Range, left(s.Old.Timeout, s.Old.Expires), left(s.Timeout, s.Timeout)))
	}
	h.mode = cfg.Mode
	ending := map[netblock.Range]bool{}
	for _, s := range cfg.Ending(plan) {
		if ran[s.Range] {
			ending[s.Range] = true
		}
	}
	h.Ending = len(ending)
	for _, s := range plan.Remove {
		if !ending[s.Range] {
			h.Excess = append(h.Excess, s.Range.String())
		}
	}
	h.Held, h.Cost = h.Intended-len(h.Missing), math.Round(firewall.Cost(state, cfg.Mode)*10)/10
	allow := len(plan.AllowAdd)+len(plan.AllowRemove) > 0 && state.Exists
	if allow && len(state.Faults) == 0 {
		h.Faults = append(h.Faults, "the allow set isn't as intended")
	}
	h.OK = len(h.Faults)+len(h.Missing)+len(h.Differ)+len(h.Excess) == 0
}

// ranOut returns the ranges that would stand if their blocks hadn't run out in the time before now that jitter spans.
func ranOut(h *history.History, p *decide.Policy, now time.Time, jitter time.Duration) map[netblock.Range]bool {
	longer, later := *h, now.Add(time.Second)
	longer.Blocks = slices.Clone(h.Blocks)
	for i, b := range longer.Blocks {
		if !b.Until.IsZero() && !b.Until.After(now) && b.Until.After(now.Add(-jitter)) {
			longer.Blocks[i].Until = later
		}
	}
	out := map[netblock.Range]bool{}
	for _, s := range decide.InForce(&longer, p, now) {
		if s.Until.Equal(later) {
			out[s.Range] = true
		}
	}
	return out
}

// foreign fills in what of the excess never was ours.
func (h *health) foreign(want intent) {
	if len(h.Excess) == 0 {
		return
	}
	known := want.known()
	h.Excess = slices.DeleteFunc(h.Excess, func(text string) bool {
		r, err := netblock.ParseRange(text)
		foreign := err == nil && !known.Overlaps(r)
		if foreign {
			h.Foreign = append(h.Foreign, text)
		}
		return foreign
	})
}

// hooked says where the chain sits, in either mode.
var hooked = map[firewall.Mode]string{
	firewall.Inbound: "hooked at prerouting, behind conntrack; no other table's accept undoes its drops",
	firewall.All:     "hooked at prerouting, before conntrack; no other table's accept undoes its drops",
}

func (p *page) health(h health) {
	const w = 8
	p.row([]column{{"store", w}}, fmt.Sprintf("%s: %s, %s of sightings and traffic", h.Store, plural(h.Records, "record"), plural(h.Seen, "row")))
	read, left := stillRead(h.Logs)
	for _, l := range read {
		p.row([]column{{"log", w}}, l.String())
	}
	if len(left) > 0 {
		p.row([]column{{"log", w}}, printable(fmt.Sprintf("not read any more, for %.0f days or longer: %s", leftFor.Hours()/24, few(left, 6))))
	}
	review := "none yet; lastresort review makes one"
	if h.Review != nil {
		review = clock(*h.Review)
		if h.Waiting > 0 {
			review += fmt.Sprintf("; waiting for apply: %s", plural(h.Waiting, "decision"))
		}
	}
	p.row([]column{{"review", w}}, review)
	switch {
	case h.early:
		p.row([]column{{"apply", w}}, fmt.Sprintf("nobody confirmed it, and before %s %s of what it added ended: it counts as undone; what it removed comes back with undo",
			deadline(*h.ConfirmBy), plural(h.LetGo, "range")))
	case h.Late:
		p.row([]column{{"apply", w}}, "nobody confirmed it by "+deadline(*h.ConfirmBy)+": what it added is gone; what it removed comes back with undo")
	case h.ConfirmBy != nil:
		p.row([]column{{"apply", w}}, "waits for confirm until "+deadline(*h.ConfirmBy))
	}
	for i, part := range []struct {
		what string
		list []string
	}{{"fault", h.Faults}, {"missing", h.Missing}, {"differs", h.ends}, {"too many", h.Excess}, {"not ours", h.Foreign}} {
		switch {
		case len(part.list) == 0:
		case i == 0:
			for _, f := range part.list {
				p.row([]column{{part.what, w}}, f)
			}
		default:
			p.row([]column{{part.what, w}}, few(part.list, 8))
		}
	}
	kernel := fmt.Sprintf("%s holds %d of %s, %d packets dropped", h.Table, h.Held, plural(h.Intended, "intended range"), h.Dropped)
	if h.Ending > 0 {
		kernel += fmt.Sprintf("; %d more ran out and end within the jitter", h.Ending)
	}
	if h.Cost > 1 {
		kernel += fmt.Sprintf("; every innocent packet costs about %.1f times what it does without", h.Cost)
	}
	p.row([]column{{"kernel", w}}, kernel)
	if h.Intended > 0 && len(h.Faults) == 0 {
		p.row([]column{{"chain", w}}, hooked[h.mode])
	}
	p.beside(h.Beside, w)
	if !h.OK && h.Beside.Since != nil && len(h.Beside.By) == 0 {
		p.row([]column{{"by", w}}, "not known: no audit log names anybody; nft monitor shows the next change")
	}
	if h.OK {
		p.row([]column{{"verdict", w}}, "as intended")
	}
}
