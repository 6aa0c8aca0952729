package firewall

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"lastresort/netblock"
)

// Error is what went wrong with the kernel, and whether it changed.
type Error struct {
	Why     string
	Hint    string
	Changed bool
}

// Error implements error.
func (e *Error) Error() string {
	if e.Changed {
		return "nftables: " + e.Why + "; the kernel changed"
	}
	return "nftables: " + e.Why + "; the kernel is as it was"
}

// Kernel is nftables in the network namespace of the process.
type Kernel struct{ cfg Config }

// Open returns the kernel's nftables for a configuration. Nothing is read or changed yet.
func Open(cfg Config) Kernel { return Kernel{cfg} }

// Config returns how the table is built.
func (k Kernel) Config() Config { return k.cfg }

// dial returns a connection with room for a transaction of so many steps, which goes out as one datagram, and for the
// answers to it: one for each message, and without room for all of them the kernel says ENOBUFS though everything was
// applied.
func (k Kernel) dial(steps int) (*nftables.Conn, error) {
	const least, perStep = 4 << 20, 320 // bytes; an IPv6 range with timeout takes under 200
	size := max(least, steps*perStep)
	return nftables.New(nftables.WithSockOptions(func(c *netlink.Conn) error {
		return errors.Join(c.SetReadBuffer(size), c.SetWriteBuffer(size))
	}))
}

func (k Kernel) table() *nftables.Table {
	return &nftables.Table{Name: k.cfg.Table, Family: nftables.TableFamilyINet}
}

// edge turns an error of the kernel into one that an operator understands, once.
func edge(err error, what string) error {
	e := &Error{Why: fmt.Sprintf("%s: %v", what, err)}
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		e.Why, e.Hint = "no permission to "+what, "run as root, or with CAP_NET_ADMIN"
	case errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EAFNOSUPPORT):
		e.Why, e.Hint = "this kernel has no nf_tables", "load the module nf_tables, or use a kernel that has it"
	case errors.Is(err, unix.EMSGSIZE):
		e.Why, e.Hint = "too much for one transaction", "as root there is no limit; elsewhere raise net.core.wmem_max"
	case errors.Is(err, unix.ENFILE):
		e.Why, e.Hint = "a set of the table is full", "the table was made by something else with a size; delete it"
	case errors.Is(err, unix.ENOMEM):
		e.Why, e.Hint = "the kernel has no memory for it", "hold the list to fewer elements with range.budget"
	}
	return e
}

// attempts bounds how often a read or a change that somebody else got in between of is tried again.
const attempts = 5

// Read returns what the kernel holds of our table, as of one moment: where somebody changes the ruleset meanwhile it
// reads again.
func (k Kernel) Read(ctx context.Context) (State, error) {
	c, err := k.dial(0)
	if err != nil {
		return State{}, edge(err, "read the table")
	}
	for range attempts {
		if err := ctx.Err(); err != nil {
			return State{}, err
		}
		before, err := generation()
		if err != nil {
			return State{}, edge(err, "read the table")
		}
		s, err := k.readOnce(c)
		if err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EINTR) {
			return State{}, err
		}
		after, genErr := generation()
		if genErr == nil && err == nil && before == after {
			return s, nil
		}
	}
	return State{}, &Error{Why: "the ruleset changes faster than it can be read", Hint: "find out what else is changing it: nft monitor"}
}

func (k Kernel) readOnce(c *nftables.Conn) (State, error) {
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return State{}, edge(err, "list tables")
	}
	if !slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == k.cfg.Table }) {
		return State{}, nil
	}
	s := State{Exists: true}
	t := k.table()
	have, err := c.GetSets(t)
	if err != nil {
		return s, edge(err, "list sets")
	}
	if err := k.checkSets(&s, have); err != nil {
		return s, err
	}
	if err := k.checkChain(c, &s, have); err != nil {
		return s, err
	}
	for _, kind := range kinds {
		if !slices.ContainsFunc(have, func(x *nftables.Set) bool { return x.Name == kind.name }) {
			continue
		}
		raw, err := c.GetSetElements(kind.set(t))
		if err != nil {
			return s, edge(err, "read the set "+kind.name)
		}
		for _, e := range kind.read(raw) {
			if kind.allow {
				s.Allow = append(s.Allow, e.Range)
			} else {
				s.Elements = append(s.Elements, e)
			}
		}
	}
	slices.SortFunc(s.Elements, func(a, b Element) int { return a.Range.Compare(b.Range) })
	slices.SortFunc(s.Allow, netblock.Range.Compare)
	return s, nil
}

// Apply brings the kernel to what is wanted, in one transaction, and reads back what it holds then. It returns the plan
// that was applied. An error is an *Error, or the context's, and says whether the kernel changed.
func (k Kernel) Apply(ctx context.Context, wants []Want, allow []netblock.Range, now func() time.Time) (Plan, error) {
	var failed error
	for range attempts {
		have, err := k.Read(ctx)
		if err != nil {
			return Plan{}, err
		}
		at := now()
		plan, err := k.cfg.Diff(have, wants, allow, at)
		if err != nil {
			return Plan{}, &Error{Why: err.Error()}
		}
		if plan.Empty() {
			return plan, nil
		}
		failed = k.commit(plan)
		left, err := k.remains(ctx, wants, allow, now)
		if err != nil {
			return plan, &Error{Why: "reading back: " + err.Error(), Changed: failed == nil, Hint: "lastresort status shows what it holds"}
		}
		if left.Empty() {
			return plan, nil // also where an answer was lost on the way
		}
		if failed == nil {
			return plan, &Error{Why: fmt.Sprintf("after the change %s", left.summary()), Changed: true, Hint: "something else changes the table; find it with nft monitor and apply again"}
		}
		// An element that expired, or somebody else's change, makes a batch fail whole: plan again from what is there now.
		if !errors.Is(failed, unix.ENOENT) && !errors.Is(failed, unix.EEXIST) {
			break
		}
	}
	return Plan{}, edge(failed, "apply the change")
}

// remains plans what is still to do.
func (k Kernel) remains(ctx context.Context, wants []Want, allow []netblock.Range, now func() time.Time) (Plan, error) {
	have, err := k.Read(ctx)
	if err != nil {
		return Plan{}, err
	}
	return k.cfg.Diff(have, wants, allow, now())
}

func (p *Plan) summary() string {
	return fmt.Sprintf("%d ranges are missing, %d differ and %d are too many", len(p.Add), len(p.Change), len(p.Remove))
}

// perMessage is how many ranges go into one message: its length field has 16 bits, and past them the library sends a
// part without a word.
const perMessage = 500

// commit sends a plan as one transaction. Removals go first, so that a range never lies over one that is leaving.
func (k Kernel) commit(p Plan) error {
	c, err := k.dial(len(p.Add) + 2*len(p.Change) + len(p.Remove) + len(p.AllowAdd) + len(p.AllowRemove))
	if err != nil {
		return err
	}
	t := k.table()
	if p.Build {
		if err := k.build(c, t, p.Replace); err != nil {
			return err
		}
	}
	allow := func(ranges []netblock.Range) []Step {
		var out []Step
		for _, r := range ranges {
			out = append(out, Step{Range: r})
		}
		return out
	}
	for _, part := range []struct {
		steps []Step
		allow bool
		send  func(*nftables.Set, []nftables.SetElement) error
	}{
		{append(slices.Clone(p.Remove), p.Change...), false, c.SetDeleteElements},
		{allow(p.AllowRemove), true, c.SetDeleteElements},
		{allow(p.AllowAdd), true, c.SetAddElements},
		{append(slices.Clone(p.Add), p.Change...), false, c.SetAddElements},
	} {
		for _, kind := range kinds {
			if err := send(kind, kind.set(t), part.steps, part.allow, part.send); err != nil {
				return err
			}
		}
	}
	return c.Flush()
}

// send queues the steps that belong into one set, in ascending order, which the kernel takes faster.
func send(kind setKind, set *nftables.Set, steps []Step, allow bool, do func(*nftables.Set, []nftables.SetElement) error) error {
	var mine []Step
	for _, s := range steps {
		if kind.holds(s.Range, allow) {
			mine = append(mine, s)
		}
	}
	slices.SortFunc(mine, func(a, b Step) int { return a.Range.Compare(b.Range) })
	for chunk := range slices.Chunk(mine, perMessage) {
		var elements []nftables.SetElement
		for _, s := range chunk {
			elements = append(elements, kind.elements(s)...)
		}
		if err := do(set, elements); err != nil {
			return err
		}
	}
	return nil
}
