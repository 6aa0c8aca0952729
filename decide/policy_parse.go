package decide

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"lastresort/netblock"
)

// PolicyError is what is wrong with a policy, and where.
type PolicyError struct {
	File string
	Line int // 0 where no line is to blame
	Why  string
}

// Error implements error.
func (e *PolicyError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Why)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Why)
}

// ParsePolicy reads the defaults and, over them, the text of the file named name. Every error is a *PolicyError.
func ParsePolicy(defaults []byte, name string, text []byte) (Policy, error) {
	var p Policy
	for _, layer := range []struct {
		name string
		text []byte
	}{{"policy.toml", defaults}, {name, text}} {
		if err := p.read(layer.name, string(layer.text)); err != nil {
			return Policy{}, err
		}
	}
	return p, nil
}

func (p *Policy) read(name, text string) error {
	meta, err := toml.Decode(text, p)
	if err != nil {
		var at toml.ParseError
		if errors.As(err, &at) {
			return &PolicyError{name, at.Position.Line, tomlReason(at)}
		}
		return &PolicyError{name, lineOfError(text, err), strings.TrimPrefix(err.Error(), "toml: ")}
	}
	for _, key := range meta.Undecoded() {
		return &PolicyError{name, lineOf(text, key.String()), fmt.Sprintf("%q is no key of a policy; `lastresort policy check` shows them all", key.String())}
	}
	for _, c := range p.checks() {
		if meta.IsDefined(strings.Split(c.key, ".")...) && c.wrong {
			return &PolicyError{name, lineOf(text, c.key), fmt.Sprintf("%s is %s; expected %s", c.key, quoted(c.got), c.want)}
		}
	}
	if meta.IsDefined("protect", "ranges") {
		if why, literal := overlapping(p.Protect.Ranges); why != "" {
			return &PolicyError{name, lineOfLiteral(text, "protect.ranges", literal), why}
		}
	}
	return nil
}

// tomlReason is the reason without the library's own words around it.
func tomlReason(e toml.ParseError) string {
	if inner := errors.Unwrap(e); inner != nil {
		return inner.Error()
	}
	return e.Message
}

type check struct {
	key   string
	got   any
	wrong bool
	want  string
}

var tableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]{0,63}$`)

// checks lists every key with a bound, in the order of policy.toml.
func (p *Policy) checks() []check {
	list := []check{
		atLeast("offender.events", p.Offender.Events, 1), atLeast("offender.group", p.Offender.Group, 1),
		atLeast("offender.guessed", p.Offender.Guessed, 1), wholeDays("offender.window", p.Offender.Window),
		atLeast("hostile.days", p.Hostile.Days, 1), wholeDays("hostile.recent", p.Hostile.Recent),
		amount("danger.immediate", p.Danger.Immediate), wholeDays("loss.quiet", p.Loss.Quiet),
		{"range.shape", p.Range.Shape, p.Range.Shape != netblock.CIDR && p.Range.Shape != netblock.Interval, `"cidr" or "range"`},
		between("range.widest4", p.Range.Widest4, 1, 32), between("range.widest6", p.Range.Widest6, 1, 64),
		atLeast("range.grow_min", p.Range.GrowMin, 1), amount("range.neighbours", p.Range.Neighbours),
		amount("range.prior", p.Range.Prior), amount("range.entry_cost", p.Range.EntryCost), atLeast("range.budget", p.Range.Budget, 0),
		{"length.ladder", p.Length.Ladder, len(p.Length.Ladder) == 0 || !slices.IsSorted(p.Length.Ladder), "at least one step, each no shorter than the one before"},
		atLeast("permanent.relapses", p.Permanent.Relapses, 1), amount("guard.lost", p.Guard.Lost),
		{"guard.lost", p.Guard.Lost, p.Guard.Lost > 1, "a share from 0 to 1"},
		atLeast("guard.new_ranges", p.Guard.NewRanges, 0), amount("guard.new_addresses", p.Guard.NewAddresses),
		{"firewall.table", p.Firewall.Table, !tableName.MatchString(p.Firewall.Table), "a name of letters, digits and _ that begins with a letter"},
		{"firewall.mode", p.Firewall.Mode, p.Firewall.Mode != "inbound" && p.Firewall.Mode != "all", `"inbound" or "all"`},
	}
	for kind, s := range p.Danger.Severity {
		list = append(list, amount("danger.severity."+kind, s))
	}
	for service, v := range p.Loss.Value {
		list = append(list, amount("loss.value."+service, v))
	}
	slices.SortStableFunc(list, func(a, b check) int { return strings.Compare(a.key, b.key) })
	return list
}

func atLeast[N int | int64](key string, got, low N) check {
	return check{key, got, got < low, fmt.Sprintf("%d or more", low)}
}

func between(key string, got, low, high int) check {
	return check{key, got, got < low || got > high, fmt.Sprintf("%d to %d", low, high)}
}

func amount(key string, got float64) check {
	return check{key, got, got < 0 || math.IsNaN(got) || math.IsInf(got, 0), "a number of 0 or more"}
}

func wholeDays(key string, got Duration) check {
	return check{key, got, time.Duration(got)%Day != 0, "whole days, such as 30d"}
}

func quoted(v any) string {
	switch v := v.(type) {
	case string, netblock.Shape:
		return fmt.Sprintf("%q", v)
	default:
		return fmt.Sprint(v)
	}
}

// overlapping names the first pair of ranges that overlap, and the text of the later one.
func overlapping(ranges []netblock.Range) (why, literal string) {
	for i, r := range ranges {
		for _, earlier := range ranges[:i] {
			if r.Overlaps(earlier) {
				return fmt.Sprintf("%q overlaps %q; expected ranges apart from each other", r, earlier), r.String()
			}
		}
	}
	return "", ""
}

// lineOf finds the line on which a dotted key stands in a policy's text, or the table that it belongs to, or 0.
func lineOf(text, key string) int {
	table, best, bestLen := "", 0, -1
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			table = strings.TrimSpace(strings.Trim(strings.SplitN(line, "#", 2)[0], "[] \t"))
			if (key == table || strings.HasPrefix(key, table+".")) && len(table) > bestLen {
				best, bestLen = i+1, len(table)
			}
			continue
		}
		name, _, ok := strings.Cut(line, "=")
		full := strings.Trim(strings.TrimSpace(name), `"'`)
		if table != "" {
			full = table + "." + full
		}
		if ok && (full == key || strings.HasPrefix(key, full+".")) && len(full) > bestLen {
			best, bestLen = i+1, len(full)
		}
	}
	return best
}

// lineOfLiteral finds the last line at or after the key's on which the value stands in quotes.
func lineOfLiteral(text, key, literal string) int {
	from := lineOf(text, key)
	found := from
	for i, line := range strings.Split(text, "\n") {
		if i+1 >= from && strings.Contains(line, `"`+literal+`"`) {
			found = i + 1
		}
	}
	return found
}

var lastKey = regexp.MustCompile(`"([a-z0-9_.-]+)"`)

// lineOfError finds the line of an error that the TOML library gives without a place but with the key in quotes.
func lineOfError(text string, err error) int {
	if m := lastKey.FindStringSubmatch(err.Error()); m != nil {
		return lineOf(text, m[1])
	}
	return 0
}
