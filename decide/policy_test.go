package decide_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"lastresort"
	"lastresort/decide"
)

// TestDefaultPolicyNamesEveryKey holds the struct and policy.toml against each other.
func TestDefaultPolicyNamesEveryKey(t *testing.T) {
	var raw map[string]any
	meta, err := toml.Decode(string(lastresort.DefaultPolicy), &raw)
	if err != nil {
		t.Fatal(err)
	}
	inFile := map[string]bool{}
	for _, key := range meta.Keys() {
		inFile[key.String()] = true
	}
	for table := range reflect.TypeFor[decide.Policy]().Fields() {
		if table.Type.Kind() != reflect.Struct {
			continue // [[log]], of which there is none by default
		}
		for key := range table.Type.Fields() {
			if name := table.Tag.Get("toml") + "." + key.Tag.Get("toml"); !inFile[name] {
				t.Errorf("%s has no default in policy.toml", name)
			}
		}
	}
	if _, err := decide.ParsePolicy(lastresort.DefaultPolicy, "", nil); err != nil {
		t.Error(err)
	}
}

func TestPolicyNamesOnlyWhatItChanges(t *testing.T) {
	p := policy(t, "[danger.severity]\nscan = 7.0\nknock = 3.0\n[protect]\nranges = [\"198.51.100.0/24\"]\n[length]\nladder = [\"1d\"]\n")
	if got := p.Danger.Severity; got["scan"] != 7 || got["knock"] != 3 || got["spam"] != 2 {
		t.Errorf("severities are %v; expected scan and knock changed and spam as it was", got)
	}
	if p.Offender.Events != 5 || len(p.Length.Ladder) != 1 || len(p.Protect.Ranges) != 1 {
		t.Errorf("policy is %+v; expected only what was named to differ", p)
	}
}

func TestPolicyErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[protect]\nranges = [\"198.51.100.20/28\"]", `p.toml:2: "198.51.100.20/28" has host bits set; expected 198.51.100.16/28`},
		{"[protect]\nranges = [\n\"198.51.100.16/28\",\n'198.51.100.20',\n]", `p.toml:4: "198.51.100.20" overlaps "198.51.100.16/28"; expected ranges apart from each other`},
		{"[protect]\nranges = [\n\"2001:DB8::/32\",\n\"2001:DB8::/32\",\n]", `p.toml:4: "2001:DB8::/32" overlaps "2001:DB8::/32"; expected ranges apart from each other`},
		{"[protect]\nranges = [\n\"192.0.2.1\",\n\"here\",\n]", `p.toml:4: "here" is no address; expected one like 203.0.113.7 or 2001:db8::7`},
		{"[protect]\nranges = \"192.0.2.1\"", `p.toml:2: protect.ranges is "192.0.2.1"; expected a list in brackets`},
		{"[offender]\nevents = \"5\"", `p.toml:2: offender.events is "5"; expected a whole number`},
		{"[offender]\n# five\nevents = 0", `p.toml:3: offender.events is 0; expected 1 or more`},
		{"[offender]\nwindow = 30", `p.toml:2: "30" is no duration; expected one like 90d, 12h, 5m or 1d12h`},
		{"[offender]\nwindow = \"36h\"", `p.toml:2: offender.window is 1d12h; expected whole days, such as 30d`},
		{"[offender]\nevent = 5", `p.toml:2: "offender.event" is no key of a policy; expected one of events, group, guessed, window`},
		{"[path]\nrequired = 1", `p.toml:2: path.required is 1; expected true or false`},
		{"[loss]\naccount = [22]", `p.toml:2: loss.account is 22; expected a text in quotes`},
		{"[loss.value]\nweb = \"1\"", `p.toml:2: loss.value.web is "1"; expected a number`},
		{"[danger]\nseverity.spam = -2.0", `p.toml:2: danger.severity.spam is -2; expected a number of 0 or more`},
		{"[danger]\nimmediate = inf", `p.toml:2: danger.immediate is +Inf; expected a number of 0 or more`},
		{"danger = 5", `p.toml:1: danger is 5; expected a table`},
		{"[range]\nshape = \"net\"", `p.toml:2: range.shape is "net"; expected "cidr" or "range"`},
		{"[range]\nwidest4 = 33", `p.toml:2: range.widest4 is 33; expected 1 to 32`},
		{"[range]\nwidest6 = 65", `p.toml:2: range.widest6 is 65; expected 1 to 64`},
		{"[length]\nladder = [\"30d\", \"14d\"]", `p.toml:2: length.ladder is [30d 14d]; expected at least one step, each no shorter than the one before`},
		{"[length]\nladder = []", `p.toml:2: length.ladder is []; expected at least one step, each no shorter than the one before`},
		{"[guard]\nlost = 1.5", `p.toml:2: guard.lost is 1.5; expected a share from 0 to 1`},
		{"[firewall]\ntable = \"a b\"", `p.toml:2: firewall.table is "a b"; expected a name of letters, digits and _ that begins with a letter`},
		{"[firewall]\nmode = \"both\"", `p.toml:2: firewall.mode is "both"; expected "inbound" or "all"`},
		{"[[log]]\nformat = \"sshd\"", `p.toml:1: a [[log]] has no path; expected path = "/var/log/…"`},
		{"[[log]]\npath = \"/x\"\n\n[[log]]\nformat = \"sshd\"", `p.toml:4: a [[log]] has no path; expected path = "/var/log/…"`},
		{"[log]\npath = \"/x\"", `p.toml:1: log is a table; expected tables, each headed [[log]]`},
		{"[[web]]\nkind = \"scan\"\nstatus = [\"404\"]\n\n[[web]] # two\nkind = \"scan\"\n", `p.toml:5: a [[web]] rule: it holds for every request; expected a path, begin, end, method, status, user or agent`},
		{"[[web]]\nstatus = \"404\"", `p.toml:2: web.status is "404"; expected a list in brackets`},
		{"[web]\nkind = \"scan\"", `p.toml:1: web is a table; expected tables, each headed [[web]]`},
		{"[[web]]\nquery = 1", `p.toml:2: web.query is 1; expected true or false`},
		{"[[log]]\npath = \"/x\"\nsort = \"sshd\"", `p.toml:3: "log.sort" is no key of a policy; expected one of path, format, pattern, kind, service, proof`},
		{"[[log]]\npath = \"/x\"\nkind = \"scan\"", `p.toml:1: the [[log]] "/x" has a kind, service or proof and no pattern; expected pattern = '…'`},
		{"[[log]]\npath = \"/x\"\nservice = \"app\"", `p.toml:1: the [[log]] "/x" has a kind, service or proof and no pattern; expected pattern = '…'`},
		{"[[log]]\npath = \"/x\"\nproof = \"two-way\"", `p.toml:1: the [[log]] "/x" has a kind, service or proof and no pattern; expected pattern = '…'`},
		{"[[log]]\npath = \"/x\"\npattern = \"a\"\nformat = \"sshd\"", `p.toml:1: the [[log]] "/x" has both a pattern and a format; expected one of them`},
		{"[[log]]\npath = \"/x\"\npattern = \"a\"\nproof = \"sure\"", `p.toml:1: the [[log]] "/x" has the proof "sure"; expected "one-way" or "two-way"`},
		{"[[log]]\npath = \"/x\"\nsort = 1\n[[log]]\npath = \"/y\"\nsort = 2", `p.toml:3: "log.sort" is no key of a policy; expected one of path, format, pattern, kind, service, proof`},
		{"[web]\nkind = \"scan\"\n[offender]\nevents = 5", `p.toml:1: web is a table; expected tables, each headed [[web]]`},
		{"[protect]\n# \"198.51.100.20/28\"\nranges = [\"198.51.100.20/28\"]\n# \"198.51.100.20/28\"", `p.toml:3: "198.51.100.20/28" has host bits set; expected 198.51.100.16/28`},
		{"[hostile]\ndays = 0\n[offender]\nevents = 0", `p.toml:2: hostile.days is 0; expected 1 or more`},
		{"[path]\nstale = \"\"\n", `p.toml:2: "" is no duration; expected one like 90d, 12h, 5m or 1d12h`},
	} {
		_, err := decide.ParsePolicy(lastresort.DefaultPolicy, "p.toml", []byte(c.text))
		var at *decide.PolicyError
		if !errors.As(err, &at) || err.Error() != c.want {
			t.Errorf("%q gives %v; expected %s", c.text, err, c.want)
		}
	}
}

// TestPolicySyntaxErrors holds that what isn't TOML is told with its line; the words are the library's.
func TestPolicySyntaxErrors(t *testing.T) {
	for text, line := range map[string]int{"[path]\nstale = \n": 2, "\n\n=": 3, "[offender]\nevents = 5\nevents = 6": 3, "[offender]\nevents = 99999999999999999999": 2} {
		_, err := decide.ParsePolicy(lastresort.DefaultPolicy, "p.toml", []byte(text))
		var at *decide.PolicyError
		if !errors.As(err, &at) || at.Line != line || strings.HasSuffix(at.Why, ".") {
			t.Errorf("%q gives %v; expected line %d", text, err, line)
		}
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]string{"90d": "90d", "12h": "12h", "36h": "1d12h", "1d12h30m5s": "1d12h30m5s", "90m": "1h30m", "86400s": "1d", "106751d": "106751d"} {
		if d, err := decide.ParseDuration(text); err != nil || d.String() != want {
			t.Errorf("%q is %v, %v; expected %s", text, d, err, want)
		}
	}
	for _, text := range []string{"", "0d", "5", "d", "-1d", "+1d", "1.5d", "1h1d", "1d1d", "1w", "106752d", "9223372036854775808s", "106751d106751h", "1d ", " 1d", "1D"} {
		if d, err := decide.ParseDuration(text); err == nil {
			t.Errorf("%q is %v; expected an error", text, d)
		}
	}
}

// FuzzDuration holds that what parses prints as what parses to the same.
func FuzzDuration(f *testing.F) {
	for _, s := range []string{"90d", "1d12h", "0d", "9223372036854775807s", "1h1d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := decide.ParseDuration(s)
		if err != nil {
			return
		}
		if again, err := decide.ParseDuration(d.String()); err != nil || again != d || d <= 0 {
			t.Errorf("%q is %d, which prints %q and is then %d, %v", s, d, d.String(), again, err)
		}
	})
}

// FuzzPolicy holds that any text is a policy or an error with a line of the text, and that a policy can be judged by.
func FuzzPolicy(f *testing.F) {
	for _, s := range []string{"", "[protect]\nranges = [\"198.51.100.20/28\"]", "[range]\nshape = \"range\"", "[[log]]\npath = \"x\"", "[danger.severity]\nspam = 1", "[offender]\nwindow=\"1d\"", "a.b.c = 1", "[length]\nladder=[\"1d\"]"} {
		f.Add(s)
	}
	h := gather(attack()...)
	f.Fuzz(func(t *testing.T, s string) {
		p, err := decide.ParsePolicy(lastresort.DefaultPolicy, "p.toml", []byte(s))
		var at *decide.PolicyError
		switch {
		case err == nil && p.Offender.Window.Days() < 1000 && p.Loss.Quiet.Days() < 1000:
			decide.Judge(h, &p, clock(now))
		case err != nil && (!errors.As(err, &at) || at.Line > strings.Count(s, "\n")+1 || slices.Contains([]string{"", " "}, at.Why)):
			t.Errorf("%q gives %v; expected a line of it and a reason", s, err)
		}
	})
}

func TestLogsOfOnesOwn(t *testing.T) {
	for _, text := range []string{"path = \"/x\"\nformat = \"sshd\"", "path = \"/x\"\npattern = \"a\"\nkind = \"scan\"", "path = \"/x\"\npattern = \"a\"\nservice = \"app\"\nproof = \"one-way\"",
		"path = \"/x\"\npattern = \"a\"\nkind = \"scan\"\nproof = \"two-way\""} {
		if p := policy(t, "[[log]]\n"+text); len(p.Log) != 1 {
			t.Errorf("%q gives %+v", text, p.Log)
		}
	}
}
