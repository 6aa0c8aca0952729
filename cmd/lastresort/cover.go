package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/decide/whois"
	"lastresort/netblock"
)

// coverFlags are what cover is asked for beside the policy.
type coverFlags struct {
	shape     string
	budget    int
	lossless  bool
	bare      bool
	protect   string
	netblocks string
}

func (a *app) coverCommand() *cobra.Command {
	var f coverFlags
	c := &cobra.Command{
		Use:   "cover [BAD [HONEST]]",
		Short: "the smallest ranges for plain lists of addresses, for other devices",
		Long: "Reads addresses that attack from BAD, and honest ones from HONEST, each on a line with a weight per day, 1 where\n" +
			"none is given, and writes the ranges that cost least under [range] of the policy: each with its cost per day,\n" +
			"the danger left outside not counted. Without BAD, or as -, it reads standard input. What is blocked, lost and\n" +
			"left is told on stderr.",
		Example: "  lastresort cover bad.txt honest.txt\n  journalctl -u honeypot | awk '{print $5}' | lastresort cover --bare --budget 500 | ssh router load",
		Args:    cobra.MaximumNArgs(2),
		RunE:    func(c *cobra.Command, args []string) error { return a.cover(c.Context(), f, args) },
	}
	x := c.Flags()
	x.StringVar(&f.shape, "shape", "", "cidr, or range for any interval (default range.shape of the policy)")
	x.IntVar(&f.budget, "budget", -1, "at most `K` ranges; 0 is no limit (default range.budget of the policy)")
	x.BoolVar(&f.lossless, "lossless", false, "take in no address that isn't listed")
	x.BoolVar(&f.bare, "bare", false, "write the ranges without their costs")
	x.StringVar(&f.protect, "protect", "", "`FILE` of ranges that must not be covered, beside those of the policy")
	x.StringVar(&f.netblocks, "netblocks", "", "`FILE` of registered prefixes, whose borders no range crosses")
	return a.prints(c)
}

func (a *app) cover(ctx context.Context, f coverFlags, args []string) error {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // the lists are most of the memory, and they stay
	p, err := a.policy()
	if err != nil {
		return err
	}
	if f.shape != "" {
		if p.Range.Shape, err = oneOf("shape", f.shape, netblock.CIDR, netblock.Interval); err != nil {
			return err
		}
	}
	if f.budget >= 0 {
		p.Range.Budget = f.budget
	}
	points, err := a.coverPoints(ctx, args)
	if err != nil {
		return err
	}
	walls := decide.Unblockable(&p)
	if f.protect != "" {
		more, err := a.readRanges(f.protect)
		if err != nil {
			return err
		}
		walls = walls.Union(netblock.SetOf(more...))
	}
	problem := netblock.Problem{Shape: p.Range.Shape, Prior: p.Range.Prior, EntryCost: p.Range.EntryCost,
		Neighbours: p.Range.Neighbours, GrowMin: p.Range.GrowMin}
	if f.lossless {
		problem.Prior, problem.Neighbours = netblock.Forbidding, 0
	}
	problems, err := a.coverProblems(f, &p, problem, walls, points)
	if err != nil {
		return err
	}
	write := coverText(f.bare)
	out, err := a.solved(ctx, problems, p.Range.Budget, a.json, write)
	a.progressDone()
	if err != nil {
		return err
	}
	return a.printCover(out, write)
}

// coverPoints reads both lists, at once where there are two.
func (a *app) coverPoints(ctx context.Context, args []string) ([]netblock.Point, error) {
	if len(args) == 0 {
		args = []string{"-"}
	}
	if len(args) == 2 && args[0] == args[1] {
		return nil, usage("%q can't be both lists; expected two files, or one and -", args[0])
	}
	var lists [2]netblock.Weights
	var errs [2]error
	tick := a.progress("lines read")
	var both sync.WaitGroup
	for i, name := range args {
		show := tick
		if i > 0 {
			show = nil // one line on the terminal
		}
		both.Go(func() { errs[i] = a.readWeights(ctx, name, show, &lists[i]) })
	}
	both.Wait()
	a.progressDone()
	if err := cmp.Or(errs[0], errs[1]); err != nil {
		return nil, err
	}
	return netblock.PointsOf(lists[0], lists[1]), nil
}

// large is from how many bytes on a list is read by several processors.
const large = 1 << 20

// readWeights reads a list of weights: a large file on all processors.
func (a *app) readWeights(ctx context.Context, name string, tick func(int), into *netblock.Weights) error {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || info.Size() < large {
		return a.readList(ctx, name, tick, func(x netblock.Listed) error { return into.Add(x.Range, x.Weight) })
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("%q can't be read: %s", name, reason(err))
	}
	parts := make([]netblock.Weights, runtime.GOMAXPROCS(0))
	err = netblock.ReadParts(name, text, len(parts), func(i int) func(netblock.Listed) error {
		show := tick
		if i > 0 {
			show = nil // the first part tells for all
		}
		return counting(ctx, show, func(x netblock.Listed) error { return parts[i].Add(x.Range, x.Weight) })
	})
	for _, p := range parts {
		into.Join(p)
	}
	return cmp.Or(err, ctx.Err())
}

// readList reads a plain list; - is standard input.
func (a *app) readList(ctx context.Context, name string, tick func(int), each func(netblock.Listed) error) error {
	in, shown, err := a.input(name)
	if err != nil {
		return err
	}
	err = netblock.ReadList(shown, in, counting(ctx, tick, each))
	if closed := in.Close(); err == nil {
		err = closed
	}
	return err
}

// counting tells now and then how many lines came, and stops when the context ends.
func counting(ctx context.Context, tick func(int), each func(netblock.Listed) error) func(netblock.Listed) error {
	n := 0
	return func(x netblock.Listed) error {
		if n++; n%4096 == 0 {
			if tick != nil {
				tick(n)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		return each(x)
	}
}

// readRanges reads ranges: a list, records of netblocks and protected ranges, or whatever import reads of registrations.
func (a *app) readRanges(name string) ([]netblock.Range, error) {
	in, shown, err := a.input(name)
	if err != nil {
		return nil, err
	}
	defer in.Close() // it was read, and nothing was written
	text, format, err := whois.Open(in)
	if err != nil {
		return nil, fmt.Errorf("%q can't be read: %s", shown, reason(err))
	}
	var out []netblock.Range
	switch format {
	case whois.List:
		err = netblock.ReadRanges(shown, text, func(r netblock.Range) error { out = append(out, r); return nil })
	case whois.Records:
		out, err = recordedRanges(shown, text)
	default:
		got, failed := whois.Read(shown, text, format)
		a.skipped(shown, got.Skipped)
		for _, e := range got.Entries {
			out = append(out, e.Range)
		}
		err = failed
	}
	return out, err
}

// recordedRanges returns the ranges of records, one a line.
func recordedRanges(name string, in io.Reader) ([]netblock.Range, error) {
	var out []netblock.Range
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	n := 0
	for lines.Scan() {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		r, err := history.Decode(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		switch r := r.(type) {
		case history.Netblock:
			out = append(out, netblock.OfPrefix(r.Prefix))
		case history.Protect:
			out = append(out, r.Range)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, n+1, err)
	}
	return out, nil
}

// coverProblems makes a problem of each family or, where netblocks are given, of each that holds points.
func (a *app) coverProblems(f coverFlags, p *decide.Policy, like netblock.Problem, walls netblock.Set, points []netblock.Point) ([]netblock.Problem, error) {
	widest := func(of netip.Addr) int {
		switch {
		case f.lossless:
			return 0
		case of.Is4():
			return p.Range.Widest4
		}
		return p.Range.Widest6
	}
	within := func(border netip.Prefix, points []netblock.Point, walls netblock.Set) netblock.Problem {
		out := like
		out.Border, out.Points, out.Widest = netblock.OfPrefix(border), points, widest(border.Addr())
		out.Walls = walls.Within(out.Border)
		return out
	}
	if f.netblocks == "" {
		six, _ := slices.BinarySearchFunc(points, netip.IPv6Unspecified(), func(x netblock.Point, a netip.Addr) int { return x.Addr.Compare(a) })
		return []netblock.Problem{within(netip.MustParsePrefix("0.0.0.0/0"), points[:six], walls),
			within(netip.MustParsePrefix("::/0"), points[six:], walls)}, nil
	}
	ranges, err := a.readRanges(f.netblocks)
	if err != nil {
		return nil, err
	}
	var prefixes []netip.Prefix
	for _, r := range ranges {
		for _, x := range r.Prefixes() {
			if x.Bits() <= netblock.UnitBits(x.Addr()) {
				prefixes = append(prefixes, x)
			}
		}
	}
	trie := netblock.NewTrie(prefixes)
	byBlock := map[netip.Prefix][]netblock.Point{}
	for _, x := range points {
		border, ok := trie.Around(x.Addr)
		if !ok {
			border = netblock.Group(x.Addr)
		}
		byBlock[border] = append(byBlock[border], x)
	}
	var out []netblock.Problem
	for border, points := range byBlock {
		var nested []netblock.Range
		for _, inner := range trie.Inside(border) {
			nested = append(nested, netblock.OfPrefix(inner))
		}
		out = append(out, within(border, points, walls.Within(netblock.OfPrefix(border)).Union(netblock.SetOf(nested...))))
	}
	slices.SortFunc(out, func(a, b netblock.Problem) int { return a.Border.Compare(b.Border) })
	return out, nil
}

// coverText writes ranges, each on a line with its cost unless they are bare.
func coverText(bare bool) func(netblock.Solution, []float64) []byte {
	return func(s netblock.Solution, costs []float64) []byte {
		out := make([]byte, 0, 24*len(s.Ranges))
		for i, r := range s.Ranges {
			out = r.AppendTo(out)
			if !bare {
				out = strconv.AppendFloat(append(out, ' '), costs[i], 'g', 4, 64)
			}
			out = append(out, '\n')
		}
		return out
	}
}

func (a *app) printCover(c coverResult, write func(netblock.Solution, []float64) []byte) error {
	if a.json {
		return a.printJSON(c)
	}
	for _, r := range c.Ranges {
		c.texts = append(c.texts, write(netblock.Solution{Ranges: []netblock.Range{r.Range}}, []float64{r.Cost}))
	}
	out := bufio.NewWriterSize(a.stdout, 64<<10)
	for _, text := range c.texts {
		if _, err := out.Write(text); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "blocks %d of %d bad addresses with %s of %.0f: %.0f unseen, %d of %d honest (%.4g a day)\n",
		c.Blocked, c.Bad, plural(c.count, "range"), c.Addresses, c.Unseen, c.LostCount, c.Honest, c.Lost)
	fmt.Fprintf(a.stderr, "leaves %d bad (%.4g a day), %d of them protected; costs %.4g a day\n", c.Bad-c.Blocked, c.Left, c.Walled, c.Cost)
	if c.Budget > 0 {
		fmt.Fprintf(a.stderr, "held to %s; no such cover costs over %.2g a day less\n", plural(c.Budget, "range"), c.Gap)
	}
	return nil
}
