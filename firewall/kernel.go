package firewall

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"lastresort/netblock"
)

// Error is what went wrong with the kernel, and whether it changed.
type Error struct {
	Why     string
	Hint    string
	Changed bool
	Unknown bool // whether it changed: the answer was lost, and it couldn't be read
	err     error
}

// Unwrap returns the kernel's own error, where it was one.
func (e *Error) Unwrap() error { return e.err }

// Error implements error.
func (e *Error) Error() string {
	if e.Unknown {
		return "nftables: " + e.Why + "; whether the kernel changed isn't known"
	}
	if e.Changed {
		return "nftables: " + e.Why + "; the kernel changed"
	}
	return "nftables: " + e.Why + "; the kernel is as it was"
}

// Kernel is nftables in the network namespace of the process.
type Kernel struct {
	cfg Config
	old bool // behaves as on a kernel before Linux 6.3, see destroys, and one that doesn't count, see conn.count

	fresh bool // what is read has just been written

	// For tests: how many bytes go into a transaction at most, and what happens before the one of a number, from 0 on.
	limit  int
	before func(n int) error
}

// Open returns the kernel's nftables for a configuration. Nothing is read or changed yet.
func Open(cfg Config) Kernel { return Kernel{cfg: cfg} }

// Config returns how the table is built.
func (k Kernel) Config() Config { return k.cfg }

func (k Kernel) table() *nftables.Table {
	return &nftables.Table{Name: k.cfg.Table, Family: nftables.TableFamilyINet}
}

// edge turns an error of the kernel into one that an operator understands, once.
func edge(err error, what string) *Error {
	e := &Error{Why: fmt.Sprintf("%s: %v", what, err), err: err}
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		e.Why, e.Hint = "no permission to "+what, "run as root, or with CAP_NET_ADMIN"
	case errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EAFNOSUPPORT):
		e.Why, e.Hint = "this kernel has no nf_tables", "load the module nf_tables, or use a kernel that has it"
	case errors.Is(err, unix.EMSGSIZE):
		e.Why, e.Hint = "too much for one transaction", "as root there is no limit; elsewhere raise net.core.wmem_max"
	case errors.Is(err, unix.ENFILE):
		e.Why, e.Hint = "a set of the table is full", "the table was made by something else with a size; delete it"
	case errors.Is(err, unix.ERESTART):
		e.Why, e.Hint = "the ruleset changes faster than it can be changed", "find out what else is changing it: nft monitor"
	case errors.Is(err, unix.ENOMEM), errors.Is(err, unix.ENOBUFS):
		e.Why, e.Hint = "the kernel has no memory for it", "hold the list to fewer elements with range.budget"
	}
	return e
}

// attempts bounds how often a read or a change that somebody else got in between of is tried again.
const attempts = 5

// Read returns what the kernel holds of our table, as of one moment: where somebody changes the ruleset meanwhile it
// reads again.
func (k Kernel) Read(ctx context.Context) (State, error) {
	var all gathered
	s, err := k.read(ctx, func() take { all = gathered{}; return all.take })
	s.Elements = all.asOfNow()
	return s, err
}

// take is given what one of our sets for blocks holds, by address, and from when on that was read. It keeps none of it.
type take func(kind setKind, all []Element, at time.Time)

// read is Read for elements that begin's function takes, anew at each attempt.
func (k Kernel) read(ctx context.Context, begin func() take) (State, error) {
	c, closeIt, err := connect(ctx)
	if err != nil {
		return State{}, whole(ctx, edge(err, "read the table"))
	}
	defer closeIt()
	c.old, c.fresh = k.old, k.fresh
	var failed error // the last answer lost
	for range attempts {
		before, err := c.generation()
		var s State
		var readErr error
		var after uint32
		if err == nil {
			s, readErr = k.readOnce(c, begin())
			after, err = c.generation()
		}
		switch {
		case errors.Is(err, unix.ENOBUFS) || errors.Is(readErr, unix.ENOBUFS): // an answer was lost
			failed = cmp.Or(err, readErr)
		case err != nil:
			return State{}, whole(ctx, edge(err, "read the table"))
		case before == after: // also where it went wrong: then it wasn't for somebody's change
			if s.generation, s.limit = after, c.limit; k.limit > 0 {
				s.limit = k.limit
			}
			return s, whole(ctx, readErr)
		}
	}
	if failed != nil {
		return State{}, whole(ctx, edge(failed, "read the table"))
	}
	return State{}, &Error{Why: "the ruleset changes faster than it can be read", Hint: "find out what else is changing it: nft monitor"}
}

// gathered is what the sets hold, in the order in which they were read.
type gathered struct {
	list  []Element
	parts []gatheredPart
}

// gatheredPart is where in there one set's elements begin, and when they were read.
type gatheredPart struct {
	from int
	at   time.Time
}

func (g *gathered) take(_ setKind, all []Element, at time.Time) {
	g.parts = append(g.parts, gatheredPart{len(g.list), at})
	if n := len(g.list) + len(all); n > cap(g.list) {
		g.list = slices.Grow(g.list, max(len(all), len(g.list)))
	}
	g.list = append(g.list, all...)
}

// asOfNow returns all by address: of what was read first less is left by now.
func (g *gathered) asOfNow() []Element {
	for i, p := range g.parts {
		to := len(g.list)
		if i+1 < len(g.parts) {
			to = g.parts[i+1].from
		}
		elapse(g.list[p.from:to], time.Since(p.at))
	}
	slices.SortFunc(g.list, func(a, b Element) int { return a.Range.Compare(b.Range) })
	return g.list
}

func elapse(list []Element, by time.Duration) {
	for i := range list {
		list[i].Expires = max(0, list[i].Expires-by)
	}
}

// whole is the context's error where that is why a socket gave up.
func whole(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (k Kernel) readOnce(elements *conn, each take) (State, error) {
	c, err := nftables.New()
	if err != nil {
		return State{}, edge(err, "list tables")
	}
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return State{}, edge(err, "list tables")
	}
	var s State
	for _, t := range tables {
		switch t.Name {
		case k.cfg.Table:
			if s.Exists = true; t.Flags != 0 {
				s.Faults = append(s.Faults, "the table has flags, such as dormant: it may drop nothing")
			}
		case k.cfg.besideName():
			s.leftover = true
			s.Faults = append(s.Faults, "the table inet "+t.Name+" is left over from a change that didn't come to its end")
		}
	}
	if !s.Exists {
		return s, nil
	}
	have, err := c.GetSets(k.table())
	if err != nil {
		return s, edge(err, "list sets")
	}
	if err := k.checkSets(&s, have, elements); err != nil {
		return s, err
	}
	if err := k.checkChains(c, &s, have); err != nil {
		return s, err
	}
	return s, k.readElements(elements, &s, have, each)
}

// readElements reads what the sets hold.
func (k Kernel) readElements(c *conn, s *State, have []*nftables.Set, each take) error {
	there := make(map[string]bool, len(have))
	for _, x := range have {
		there[x.Name] = true
	}
	for _, kind := range s.layout.kinds() {
		if !there[kind.name] {
			continue
		}
		all, at, err := c.all(kind, k.cfg.Table)
		if err != nil {
			return edge(err, "read the set "+kind.name)
		}
		if i := slices.IndexFunc(all, func(e Element) bool { return !kind.holds(e.Range) }); i >= 0 {
			s.Faults = append(s.Faults, fmt.Sprintf("set %s holds %s, which doesn't belong there", kind.name, all[i].Range))
		}
		if !kind.allow {
			each(kind, all, at)
			continue
		}
		for _, e := range all {
			s.Allow = append(s.Allow, e.Range)
		}
	}
	slices.SortFunc(s.Allow, netblock.Range.Compare)
	return nil
}

// Apply brings the kernel to what is wanted, in as many transactions as the plan says, and reads back what it holds then. It
// returns the plan that was applied. An error is an *Error, or the context's, and says whether the kernel changed.
func (k Kernel) Apply(ctx context.Context, wants Wants, allow []netblock.Range, now func() time.Time) (Plan, error) {
	var failed error
	var first *Plan // of which a part is in the kernel
	half := ""
	for range attempts {
		have, err := k.Read(ctx)
		if err != nil {
			return Plan{}, begun(err, first)
		}
		plan, err := k.cfg.Diff(have, wants, allow, now())
		if err != nil {
			return Plan{}, begun(&Error{Why: err.Error()}, first)
		}
		if plan.Empty() {
			return *cmp.Or(first, &plan), nil
		}
		have.Elements = nil // its memory
		begin := time.Now()
		failed = k.commit(ctx, &plan, have.generation)
		k.cfg.slack = time.Since(begin)
		if failed == nil && k.asPlanned(ctx, &plan, wants, allow, have.generation, now) {
			return *cmp.Or(first, &plan), nil
		}
		left, err := k.remains(ctx, wants, allow, now)
		var part *HalfError
		if errors.As(failed, &part) && first == nil {
			first = &plan
		}
		if err != nil {
			why := err.Error()
			var e *Error
			if errors.As(err, &e) {
				why = e.Why
			}
			// Of what the kernel refused it says so; where its answer was lost it may have done all of it.
			return plan, &Error{Why: "reading back: " + why, Changed: failed == nil || first != nil, Unknown: errors.Is(failed, unix.ENOBUFS), Hint: "lastresort status shows what it holds"}
		}
		if left.Empty() {
			return *cmp.Or(first, &plan), nil // also where an answer was lost on the way
		}
		if failed == nil {
			return plan, &Error{Why: fmt.Sprintf("after the change %s", left.summary()), Changed: true, Hint: "something else changes the table; find it with nft monitor and apply again"}
		}
		if first != nil {
			half = fmt.Sprintf("; of a plan in %d transactions not all are in: %s", first.Transactions, left.summary())
		}
		// Somebody else's change makes a batch fail whole, and so does an element that expired, on a kernel that can't delete
		// what isn't there: plan again from what is there now.
		if !errors.Is(failed, unix.ERESTART) && !errors.Is(failed, unix.ENOENT) && !errors.Is(failed, unix.EEXIST) {
			break
		}
	}
	err := edge(failed, "apply the change")
	if first != nil {
		err.Why += half
	}
	return Plan{}, begun(whole(ctx, err), first)
}

// begun marks an error behind transactions that are in the kernel.
func begun(err error, first *Plan) error {
	var e *Error
	if first == nil {
		return err
	}
	if !errors.As(err, &e) {
		e = &Error{Why: err.Error(), err: err}
	}
	e.Changed = true
	e.Hint = cmp.Or(e.Hint, "put right what stopped it;") + " lastresort apply goes on from there"
	return e
}

// HalfError says that of a plan of several transactions the first are in the kernel and the others aren't.
type HalfError struct {
	Done, Of int
	err      error
}

// Error implements error.
func (e *HalfError) Error() string {
	return fmt.Sprintf("%v, behind %d of %d transactions", e.err, e.Done, e.Of)
}

// Unwrap returns what stopped the next one.
func (e *HalfError) Unwrap() error { return e.err }

// remains plans what is still to do.
func (k Kernel) remains(ctx context.Context, wants Wants, allow []netblock.Range, now func() time.Time) (Plan, error) {
	have, err := k.Read(ctx)
	if err != nil {
		return Plan{}, err
	}
	return k.cfg.Diff(have, wants, allow, now())
}

func (p *Plan) summary() string {
	return fmt.Sprintf("%d ranges are missing, %d differ and %d are too many", p.Added(), len(p.Change), len(p.Remove))
}

// commit sends a plan, whose transactions fail whole where the ruleset is no longer the one numbered generation or, behind
// the first, what the one before made of it. Within one, removals go first, so that a range never lies over one that is
// leaving. New elements are refused where something is in their place, for the kernel takes some overlaps and blocks more
// than was asked later. A change is a removal and an addition: in one transaction no packet passes between, and unlike an
// update it works on every kernel.
func (k Kernel) commit(ctx context.Context, p *Plan, generation uint32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(p.split) == 0 { // see Config.parts
		return unix.EMSGSIZE
	}
	// From here on it is datagrams and their answers: cut short in between, nobody would know whether the kernel changed.
	c, closeIt, err := connect(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	defer closeIt()
	for i, x := range p.split {
		b, err := k.batch(p, x, generation)
		if err == nil && k.before != nil {
			err = k.before(i)
		}
		if err == nil {
			err = c.transact(b)
		}
		b.free()
		switch {
		case err != nil && i > 0:
			return &HalfError{i, len(p.split), err}
		case err != nil:
			return err
		}
		generation = behind(generation, 1)
	}
	return nil
}

// behind returns the ruleset's number after so many transactions, as the kernel counts: it leaves zero out.
func behind(generation uint32, transactions int) uint32 {
	for range transactions {
		if generation++; generation == 0 {
			generation++
		}
	}
	return generation
}

func steps(ranges []netblock.Range) []Step {
	var out []Step
	for _, r := range ranges {
		out = append(out, Step{Range: r})
	}
	return out
}

// destroys tells whether the kernel can delete an element without minding that it is gone: Linux 6.3 and later.
func (k Kernel) destroys() bool {
	var u unix.Utsname
	if k.old || unix.Uname(&u) != nil {
		return false
	}
	var major, minor int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 6 || major == 6 && minor >= 3
}
