package decide

import (
	"errors"
	"fmt"
	"math"
	slashpath "path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"lastresort/decide/history"
	"lastresort/decide/web"
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
	var raw map[string]any
	meta, err := toml.Decode(text, &raw)
	if err != nil {
		return syntaxError(name, err)
	}
	found := misfits{text: text}
	found.value("", reflect.TypeFor[Policy](), raw)
	if len(found.list) == 0 {
		if _, err := toml.Decode(text, p); err != nil {
			return syntaxError(name, err)
		}
		for _, c := range p.checks() {
			if c.wrong && meta.IsDefined(strings.Split(c.key, ".")...) {
				found.add(lineOf(text, c.key), "%s is %s; expected %s", c.key, quoted(c.got), c.want)
			}
		}
		for i, l := range p.Log {
			if why := l.misfit(); why != "" && meta.IsDefined("log") {
				found.add(tableLine(text, "log", i), "%s", why)
			}
		}
		if _, err := web.New(p.Web); err != nil {
			var wrong *web.RuleError
			errors.As(err, &wrong)
			found.add(tableLine(text, "web", wrong.Rule-1), "a [[web]] rule: %v", wrong.Why)
		}
		if meta.IsDefined("protect", "ranges") {
			found.overlaps(p.Protect.Ranges, raw["protect"].(map[string]any)["ranges"].([]any))
		}
	}
	return found.first(name)
}

// tableLine returns the line of the n-th table of a list of them, from 0; where it isn't headed as usual that of the list.
func tableLine(text, list string, n int) int {
	number := 0
	for line := range strings.Lines(text) {
		number++
		if strings.HasPrefix(strings.TrimSpace(line), "[["+list+"]]") {
			if n--; n < 0 {
				return number
			}
		}
	}
	return lineOf(text, list)
}

// isGlob tells whether a path can be read as path.Match does.
func isGlob(text string) bool {
	_, err := slashpath.Match(text, "")
	return err == nil
}

// misfit tells what of a log doesn't go together.
func (l Log) misfit() string {
	switch {
	case l.Path == "":
		return "a [[log]] has no path; expected path = \"/var/log/…\""
	case strings.Contains(l.Path, "[!"):
		return fmt.Sprintf("the [[log]] %q has a [! in its path; expected [^ for any letter but those", l.Path)
	case !isGlob(l.Path):
		return fmt.Sprintf("the [[log]] %q is no pattern of file names; expected a ] behind each [, or \\[ for the letter itself", l.Path)
	case l.Pattern == "" && l.Kind+l.Service+string(l.Proof) != "":
		return fmt.Sprintf("the [[log]] %q has a kind, service or proof and no pattern; expected pattern = '…'", l.Path)
	case l.Pattern != "" && l.Format != "":
		return fmt.Sprintf("the [[log]] %q has both a pattern and a format; expected one of them", l.Path)
	case l.Proof != "" && l.Proof != history.OneWay && l.Proof != history.TwoWay:
		return fmt.Sprintf("the [[log]] %q has the proof %q; expected \"one-way\" or \"two-way\"", l.Path, l.Proof)
	}
	return ""
}

// syntaxError puts an error of the TOML library into the house's words.
func syntaxError(name string, err error) error {
	line, why := 0, strings.TrimPrefix(err.Error(), "toml: ")
	var at toml.ParseError
	if errors.As(err, &at) {
		line, why = at.Position.Line, at.Message
		if inner := errors.Unwrap(at); inner != nil {
			why = inner.Error()
		}
	}
	first, size := utf8.DecodeRuneInString(why)
	return &PolicyError{name, line, string(unicode.ToLower(first)) + strings.TrimSuffix(why[size:], ".")}
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
		{"range.shape", string(p.Range.Shape), p.Range.Shape != netblock.CIDR && p.Range.Shape != netblock.Interval, `"cidr" or "range"`},
		between("range.widest4", p.Range.Widest4, 1, 32), between("range.widest6", p.Range.Widest6, 1, 64),
		atLeast("range.grow_min", p.Range.GrowMin, 1), amount("range.neighbours", p.Range.Neighbours),
		amount("range.prior", p.Range.Prior), amount("range.entry_cost", p.Range.EntryCost),
		atLeast("range.budget", p.Range.Budget, 0),
		{"length.ladder", p.Length.Ladder, len(p.Length.Ladder) == 0 || !slices.IsSorted(p.Length.Ladder),
			"at least one step, each no shorter than the one before"},
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
	if s, ok := v.(string); ok {
		return strconv.Quote(s)
	}
	return fmt.Sprint(v)
}
