// Package web tells what a request to a web server is an attempt at, by a table of rules that an operator can read and
// extend.
package web

import (
	_ "embed" // the rules built in
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/BurntSushi/toml"
)

// Builtin is the table of the rules built in, as TOML. It says what each key means.
//
//go:embed rules.toml
var Builtin string

// Rule is one rule. Every condition that is given must hold; a rule without any is an error.
type Rule struct {
	Kind   string   `toml:"kind"`   // of the sighting; empty for an ordinary request
	Path   []string `toml:"path"`   // the path, as it was sent or decoded, holds one of these, in whatever case; a blank stands for a + too
	Query  bool     `toml:"query"`  // they are looked for behind the path's ? too
	Begin  []string `toml:"begin"`  // the path begins with one of these, in whatever case
	End    []string `toml:"end"`    // the path ends with one of these, in whatever case
	Method []string `toml:"method"` // the method is one of these
	Status []string `toml:"status"` // the answer is one of these: three digits, or one and xx
	User   bool     `toml:"user"`   // a user was named
	Pace   int      `toml:"pace"`   // requests of one source within a minute, of which the last counts; 0 and 1: each counts
	Agent  []string `toml:"agent"`  // what it calls itself by holds one of these, in whatever case
	// Outside and Holder say where it may come from that calls itself so: the rule holds for sources outside the protected ranges
	// under one of the names of Outside, where there are any of their family, and outside the netblocks of one of Holder's names.
	Outside []string `toml:"outside"`
	Holder  []string `toml:"holder"`
}

// None is the method of what isn't HTTP.
const None = "NONE"

// Request is what is known of a request and its answer.
type Request struct {
	Source netip.Addr
	At     time.Time
	Method string // None where it was no HTTP; empty where it isn't known
	Path   []byte // with its query
	Status int64
	User   bool   // it named one
	Agent  []byte // what its program calls itself; empty where it isn't known

	said *agent // what that says, once it was looked up
}

// Ranges tells of a source whether it is in a protected range, or in a netblock of one of the names holder; and whether it is known
// of that time which ranges of its family go by one of the names outside.
type Ranges func(outside, holder []string, source netip.Addr, at time.Time) (inside, known bool)

// Rules are rules ready for use: those built in, behind an operator's own. The zero value has none of one's own.
type Rules struct {
	tables *tables // nil: of those built in alone
	ranges Ranges
}

// Knowing returns rules that know ranges by name. Others, a rule that asks where a source comes from never holds.
func (r Rules) Knowing(ranges Ranges) Rules {
	r.ranges = ranges
	return r
}

// RuleError says which rule is wrong, and why.
type RuleError struct {
	Rule int // from 1
	Why  error
}

// Error implements error.
func (e *RuleError) Error() string { return fmt.Sprintf("rule %d: %v", e.Rule, e.Why) }

// New returns an operator's rules with those built in behind them. An error is a *RuleError of the first that is wrong.
func New(own []Rule) (Rules, error) {
	rules, err := compileAll(own)
	if err != nil || len(own) == 0 {
		return Rules{}, err
	}
	return Rules{tables: tablesOf(rules)}, nil
}

func compileAll(list []Rule) ([]rule, error) {
	var out []rule
	for i, r := range list {
		c, err := compile(r)
		if err != nil {
			return nil, &RuleError{i + 1, err}
		}
		out = append(out, c)
	}
	return out, nil
}

// builtin returns the rules built in.
var builtin = sync.OnceValue(func() []rule {
	var table struct {
		Web []Rule `toml:"web"`
	}
	if _, err := toml.Decode(Builtin, &table); err != nil {
		panic(err) // it is part of the program
	}
	rules, err := compileAll(table.Web)
	if err != nil {
		panic(err)
	}
	return rules
})

var kindName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// mostStatus is above every answer.
const mostStatus = 600

// rule is a Rule taken apart.
type rule struct {
	Rule
	status [mostStatus]bool
	parts  *parts // of Path; nil for none
	agents *parts // of Agent; nil for none
	needs  uint64 // the bits of its Path and Begin in the look for all rules' at once; 0 where it has none
	named  uint64 // that of its Agent, likewise
}

func compile(r Rule) (rule, error) {
	c := rule{Rule: r}
	if r.Kind != "" && !kindName.MatchString(r.Kind) {
		return c, fmt.Errorf("kind %q; expected a name of small letters, digits and hyphens, such as web-probe", r.Kind)
	}
	if len(r.Path)+len(r.Begin)+len(r.End)+len(r.Method)+len(r.Status)+len(r.Agent) == 0 && !r.User {
		return c, fmt.Errorf("it holds for every request; expected a path, begin, end, method, status, user or agent")
	}
	if len(r.Outside) > 0 && len(r.Agent) == 0 {
		return c, fmt.Errorf("outside without an agent; it says where one may come from that calls itself so")
	}
	if len(r.Holder) > 0 && len(r.Outside) == 0 {
		return c, fmt.Errorf("holder without an outside; nobody holds all the netblocks that are on record")
	}
	if r.Pace < 0 || r.Pace > mostPace {
		return c, fmt.Errorf("pace %d; expected 0 to %d requests", r.Pace, mostPace)
	}
	if r.Query && len(r.Path) == 0 {
		return c, fmt.Errorf("query without a path; it says where the path's parts are looked for")
	}
	if r.Pace > 1 && r.Kind == "" {
		return c, fmt.Errorf("a pace without a kind; what is ordinary needs none")
	}
	for _, list := range [][]string{r.Path, r.Begin, r.End} {
		for _, part := range list {
			if part == "" {
				return c, fmt.Errorf("an empty part of a path, which every path holds; expected some text")
			}
		}
	}
	for _, list := range [][]string{r.Agent, r.Outside, r.Holder} {
		for _, part := range list {
			if part == "" {
				return c, fmt.Errorf("an empty name, which every text holds; expected some text")
			}
		}
	}
	c.Path, c.Begin, c.End = lower(r.Path), lower(r.Begin), lower(r.End)
	for _, part := range c.Path {
		if strings.Contains(part, " ") { // in a query a + stands for it
			c.Path = append(c.Path, strings.ReplaceAll(part, " ", "+"))
		}
	}
	c.Agent, c.Outside, c.Holder = lower(r.Agent), lower(r.Outside), lower(r.Holder)
	if len(c.Path) > 0 {
		c.parts = newParts(c.Path)
	}
	if len(c.Agent) > 0 {
		c.agents = newParts(c.Agent)
	}
	for _, text := range r.Status {
		if err := c.addStatus(text); err != nil {
			return c, err
		}
	}
	return c, nil
}

// mostPace bounds a pace: a source that asks more often within a minute is counted long before.
const mostPace = 100000

// lower puts the letters of ASCII into lower case, the only ones whose case doesn't matter.
func lower(list []string) []string {
	var out []string
	for _, text := range list {
		out = append(out, strings.Map(func(r rune) rune {
			if r >= 'A' && r <= 'Z' {
				return r | 0x20
			}
			return r
		}, text))
	}
	return out
}

// addStatus takes 404 or 4xx.
func (c *rule) addStatus(text string) error {
	bad := fmt.Errorf("status %q; expected one such as 404 or 4xx", text)
	if len(text) != 3 || text[0] < '1' || text[0] > '5' {
		return bad
	}
	first := int(text[0]-'0') * 100
	if text[1:] == "xx" {
		for i := range 100 {
			c.status[first+i] = true
		}
		return nil
	}
	for _, d := range text[1:] {
		if d < '0' || d > '9' {
			return bad
		}
	}
	c.status[first+int(text[1]-'0')*10+int(text[2]-'0')] = true
	return nil
}
