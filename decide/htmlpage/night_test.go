package htmlpage_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"lastresort"
	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/decide/htmlpage"
	"lastresort/netblock"
)

var now = time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)

func policy(t testing.TB, text string) *decide.Policy {
	t.Helper()
	p, err := decide.ParsePolicy(lastresort.DefaultPolicy, "test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

// world is a history in which each verdict, and most of what a page can show, turns up.
func world() *history.History {
	h := &history.History{}
	at := func(day, hour int) time.Time { return now.AddDate(0, 0, -day).Add(time.Duration(hour-2) * time.Hour) }
	addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
	attack := func(source, kind string, count int64, days ...int) {
		for _, d := range days {
			h.Sightings = append(h.Sightings, history.Sighting{Source: addr(source), First: at(d, 1), Last: at(d, 1), Kind: kind, Count: count, Proof: history.TwoWay, Reporter: history.Local})
		}
	}
	honest := func(source, service string, count int64, days ...int) {
		for _, d := range days {
			h.Traffic = append(h.Traffic, history.Traffic{Source: addr(source), First: at(d, 0), Last: at(d, 0), Service: service, Count: count})
		}
	}
	block := func(p, abuse string, assignment history.Assignment) {
		h.Netblocks = append(h.Netblocks, history.Netblock{Prefix: prefix(p), Holder: "Holder of " + p, Kind: history.Hosting, Assignment: assignment, Abuse: abuse, Upstream: "noc@up.example", Cert: "cert@cert.example"})
	}
	block("203.0.113.0/25", "abuse@a.example", history.Static)
	block("203.0.113.128/25", "", history.Dynamic)
	block("198.51.100.0/25", "abuse@b.example", history.Static)
	block("2001:db8:7::/48", "abuse@c.example", history.Static)
	block("192.0.2.0/24", "abuse@d.example", history.Static)
	for i := range 5 {
		attack(fmt.Sprintf("203.0.113.%d", 16+i), "ssh-login", 60, 1, 2, 3, 9)
	}
	attack("203.0.113.200", "web-probe", 9, 1, 4)
	attack("198.51.100.7", "ssh-login", 500, 1, 2)
	attack("198.51.100.140", "mail-login", 7, 2, 3)
	attack("2001:db8:7:1::5", "spam", 40, 1, 2, 5)
	attack("192.0.2.77", "web-exploit", 90, 1, 2, 20)
	attack("192.0.2.9", "break-in", 1, 3)
	honest("203.0.113.90", "smtp", 11, 2, 4)
	honest("198.51.100.7", "web", 4000, 2, 3)
	honest("192.0.2.77", "web", 90000, 2, 3)
	for i, role := range []history.Role{history.Contacted, history.Contacted, history.Upstream, history.Cert} {
		r := history.Report{ID: fmt.Sprintf("R-%d", i+1), At: at(45-i*8, 9), Source: addr("203.0.113.17"), To: "abuse@a.example", Role: role}
		if i == 1 {
			r.Follows = "R-1"
		}
		h.Reports = append(h.Reports, r)
	}
	h.Responses = append(h.Responses, history.Response{Report: "R-1", At: at(44, 9), Stance: history.Automatic, Note: "Dear Jane Doe"})
	h.Protects = append(h.Protects, history.Protect{Range: netblock.OfPrefix(prefix("198.51.100.128/26")), At: at(90, 0), By: "jdoe", Reason: "Jane Doe's desk"})
	h.Answers = append(h.Answers, history.Answer{Netblock: prefix("203.0.113.128/25"), Question: history.HostileQuestion, Answer: "no", At: at(2, 0), By: "jdoe", Note: "Jane Doe said so"})
	h.Blocks = append(h.Blocks, history.Block{Range: netblock.OfPrefix(prefix("203.0.113.130/32")), From: at(10, 0), Until: at(-4, 0), Case: prefix("203.0.113.128/25"), By: "jdoe", Reason: "by hand"},
		history.Block{Range: netblock.OfPrefix(prefix("203.0.113.16/30")), From: at(40, 0), Until: at(26, 0), Case: prefix("203.0.113.0/25"), By: "review", Reason: "exhausted"})
	return h
}

// drawn draws a night with as many dossiers as that.
func drawn(t testing.TB, h *history.History, p *decide.Policy, most int) (decide.Review, []byte) {
	t.Helper()
	r, dossiers, err := decide.Study(h, p, now, func(r *decide.Review) []netip.Prefix {
		list := htmlpage.Order(r)
		return list[:min(most, len(list))]
	}, func(int) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	never := netblock.SetOf(decide.Exempted(h, p, now)...).Union(decide.Unblockable(p)).Ranges()
	if err := htmlpage.Review(&out, &htmlpage.Night{Review: r, Dossiers: dossiers, Ladder: p.Length.Ladder, Protected: never}); err != nil {
		t.Fatal(err)
	}
	return r, out.Bytes()
}

// said returns a value of JSON as a page says it.
func said(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(x)
	}
	return text(v.(string))
}

// text is a string as a page holds it.
func text(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = htmlpage.Printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

// generic returns a value as its JSON says it.
func generic(t *testing.T, v any) map[string]any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// holds compares everything that JSON says of something with a page. skip are the keys that a page bounds or leaves out.
func holds(t *testing.T, where string, i *item, want map[string]any, skip ...string) {
	t.Helper()
	for key, v := range want {
		if strings.Contains(" "+strings.Join(skip, " ")+" ", " "+key+" ") {
			continue
		}
		switch x := v.(type) {
		case map[string]any:
			for k, v := range x {
				if list, ok := v.([]any); ok {
					t.Logf("%s: %s.%s, a list of %d, isn't compared", where, key, k, len(list))
				} else if got := i.one(t, key+"."+k); got != said(v) {
					t.Errorf("%s: %s.%s is %q; JSON says %q", where, key, k, got, said(v))
				}
			}
		case []any:
			if len(x) == 0 {
				if len(i.props[key])+len(i.items[key]) > 0 {
					t.Errorf("%s: %s isn't empty", where, key)
				}
				continue
			}
			if _, ok := x[0].(map[string]any); !ok {
				var list []string
				for _, v := range x {
					list = append(list, said(v))
				}
				if !reflect.DeepEqual(list, i.props[key]) {
					t.Errorf("%s: %s is %q; JSON says %q", where, key, i.props[key], list)
				}
				continue
			}
			if len(i.items[key]) != len(x) {
				t.Errorf("%s: %d of %s; JSON has %d", where, len(i.items[key]), key, len(x))
				continue
			}
			for n, v := range x {
				holds(t, fmt.Sprintf("%s %s %d", where, key, n), i.items[key][n], v.(map[string]any), "about", "ranges", "share", "events", "days", "last", "service", "offender", "lost", "to", "due", "sent", "why")
			}
		default:
			if got := i.one(t, key); got != said(v) {
				t.Errorf("%s: %s is %q; JSON says %q", where, key, got, said(v))
			}
		}
	}
}

// ignored are keys of a case that its line says in other words, or a page bounds.
const ignored = "permanent registered offenders context"

func TestPageSaysWhatJSONSays(t *testing.T) {
	verdicts := map[decide.Verdict]bool{}
	for _, keys := range []string{"", "[path]\nrequired = false\n", "[path]\nrequired = false\n[range]\nbudget = 2\n", "[path]\nrequired = false\n[guard]\nnew_ranges = 1\n"} {
		h := htmlpage.Nameless(world())
		r, page := drawn(t, h, policy(t, keys), 100)
		root, _ := read(t, page)
		if root.one(t, "at") != "2026-11-02T02:00:00Z" {
			t.Errorf("the moment is %q", root.one(t, "at"))
		}
		if len(root.items["cases"]) != len(r.Cases) || len(r.Cases) != 6 {
			t.Fatalf("%d cases on the page, %d in the review", len(root.items["cases"]), len(r.Cases))
		}
		of := map[string]*item{}
		for _, i := range root.items["cases"] {
			of[i.one(t, "netblock")] = i
		}
		for n := range r.Cases {
			c := &r.Cases[n]
			name := c.Netblock.String()
			verdicts[c.Verdict] = true
			if of[name] == nil {
				t.Errorf("%s isn't on the page", name)
				continue
			}
			want := generic(t, c)
			holds(t, name, of[name], want, strings.Fields(ignored)...)
			if i := of[name]; i.one(t, "context.one_way") != strconv.FormatInt(c.Context.OneWay, 10) || i.one(t, "context.others") != strconv.FormatInt(c.Context.Others, 10) {
				t.Errorf("%s: context %q %q", name, i.props["context.one_way"], i.props["context.others"])
			}
			d, ok := decide.Explain(h, policy(t, keys), now, c.Netblock)
			if !ok {
				t.Fatal(name)
			}
			if !strings.Contains(keys, "budget") { // a case by itself knows of no budget
				want := generic(t, d)
				delete(want, "case")
				holds(t, name, of[name], want, "stale", "seen", "blocks")
			}
		}
		guards := generic(t, r)["guards"].([]any)
		for n, g := range guards {
			holds(t, "guards", root.items["guards"][n], g.(map[string]any))
		}
		if strings.Contains(keys, "guard") != (len(guards) > 0) {
			t.Errorf("%q: %d guards", keys, len(guards))
		}
	}
	if len(verdicts) != len(decide.Verdicts) {
		t.Errorf("only the verdicts %v turned up", verdicts)
	}
}

// TestCasesBeyondTheDossiers holds the short line of a case to JSON too.
func TestCasesBeyondTheDossiers(t *testing.T) {
	h := htmlpage.Nameless(world())
	r, page := drawn(t, h, policy(t, ""), 2)
	root, all := read(t, page)
	dossiers := 0
	for _, x := range all {
		for _, a := range x.Attr {
			if a.Name.Local == "class" && a.Value == "dossier" {
				dossiers++
			}
		}
	}
	if dossiers != 2 || !strings.Contains(string(page), fmt.Sprintf("the other %d have a line each", len(r.Cases)-2)) {
		t.Errorf("%d dossiers", dossiers)
	}
	for _, i := range root.items["cases"] {
		for n := range r.Cases {
			if name := r.Cases[n].Netblock.String(); name == i.one(t, "netblock") {
				holds(t, name, i, generic(t, &r.Cases[n]), strings.Fields(ignored+" contact checklist approval blocks spared protected")...)
			}
		}
	}
}

func TestOrderIsTheReviews(t *testing.T) {
	h := world()
	p := policy(t, "")
	r, page := drawn(t, h, p, 100)
	root, _ := read(t, page)
	order := htmlpage.Order(&r)
	seen := map[netip.Prefix]bool{}
	for n, key := range order {
		if seen[key] || root.items["cases"][n].one(t, "netblock") != key.String() {
			t.Errorf("case %d is %s; wanted %s, once", n, root.items["cases"][n].one(t, "netblock"), key)
		}
		seen[key] = true
	}
	rank := func(key netip.Prefix) int {
		for _, c := range r.Cases {
			if c.Netblock != key {
				continue
			}
			for _, x := range c.Actions {
				if !decide.IsLetter(x.Action) {
					return 0
				}
			}
			if c.Changed.Any() {
				return 1
			}
		}
		return 2
	}
	for n := 1; n < len(order); n++ {
		if rank(order[n-1]) > rank(order[n]) {
			t.Errorf("%s stands before %s", order[n-1], order[n])
		}
	}
	if len(order) != len(r.Cases) || rank(order[0]) != 0 || rank(order[len(order)-1]) != 2 {
		t.Errorf("%d of %d cases, from rank %d to %d", len(order), len(r.Cases), rank(order[0]), rank(order[len(order)-1]))
	}
}

func TestSameInputSameBytes(t *testing.T) {
	_, a := drawn(t, world(), policy(t, ""), 100)
	for range 4 {
		if _, b := drawn(t, world(), policy(t, ""), 100); !bytes.Equal(a, b) {
			t.Fatal("the page differs from one drawing to the next")
		}
	}
}

func TestNoNamesOnThePage(t *testing.T) {
	_, named := drawn(t, world(), policy(t, ""), 100)
	if !strings.Contains(string(named), "jdoe") {
		t.Fatal("the history has no name that could be left out")
	}
	r, page := drawn(t, htmlpage.Nameless(world()), policy(t, ""), 100)
	for _, s := range []string{"jdoe", "Jane", "Doe", "desk"} {
		if strings.Contains(string(page), s) {
			t.Errorf("the page names %q", s)
		}
	}
	full := decide.Judge(world(), policy(t, ""), now)
	for n, c := range full.Cases {
		x := r.Cases[n]
		if c.Verdict != x.Verdict || c.Rule != x.Rule || c.Danger != x.Danger || !reflect.DeepEqual(c.Ranges, x.Ranges) || !reflect.DeepEqual(c.Blocks, x.Blocks) || !reflect.DeepEqual(c.Loss, x.Loss) {
			t.Errorf("%s is judged otherwise without names", c.Netblock)
		}
	}
}

func TestEmptyNight(t *testing.T) {
	_, page := drawn(t, &history.History{}, policy(t, ""), 100)
	root, _ := read(t, page)
	if len(root.items["cases"]) != 0 || !strings.Contains(string(page), "Nothing to judge") {
		t.Errorf("an empty history: %s", page)
	}
}

// nasty are strings that would be something else than text where they aren't taken for it.
var nasty = []string{
	"<script>alert(1)</script>", "</title></style></svg></details><h1>hi</h1>", `" onmouseover="alert(1)`, "' autofocus onfocus='alert(1)", "javascript:alert(1)",
	"\u202eevil\u202c\u2066x\u2069", "nul\x00nul", "bell\a\x1b[31m\u0085\u2028", "bad\xff\xfeutf", "{{.}}{{template \"head\"}}", "<!--", "]]>", "&lt;&#60;", "a\nb\r\nc", "\ufeff", strings.Repeat("long ", 2000), strings.Repeat("w", 10240),
}

// TestHostileStringsStayText puts each of them into every field that a record leaves open, and compares the elements of the
// page with those of one with harmless text.
func TestHostileStringsStayText(t *testing.T) {
	spoilt := func(s string) *history.History {
		h := world()
		for i := range h.Netblocks {
			x := &h.Netblocks[i]
			x.Holder, x.Country, x.Whois = s, s, s
			x.Upstream, x.Cert = s+"@up.example", s+"@cert.example"
			if x.Abuse != "" {
				x.Abuse = s + "@a.example"
			}
		}
		for i := range h.Reports {
			x := &h.Reports[i]
			x.ID, x.To = x.ID+s, s+"@a.example"
			if x.Follows != "" {
				x.Follows += s
			}
		}
		for i := range h.Responses {
			h.Responses[i].Report, h.Responses[i].Note = "R-1"+s, s
		}
		for i := range h.Sightings {
			if h.Sightings[i].Kind != "break-in" {
				h.Sightings[i].Kind = s
			}
		}
		for i := range h.Traffic {
			h.Traffic[i].Service = s
		}
		for i := range h.Answers {
			h.Answers[i].By, h.Answers[i].Note = s, s
		}
		for i := range h.Protects {
			h.Protects[i].By, h.Protects[i].Reason = s, s
		}
		for i := range h.Blocks {
			h.Blocks[i].By, h.Blocks[i].Reason = s, s
		}
		h.Contacts = append(h.Contacts, history.Contact{Address: s + "@a.example", Trust: history.Trusted, Reason: s, By: s})
		h.Responses = append(h.Responses, history.Response{Report: s, Stance: history.Fixed, Note: s, At: now.AddDate(0, 0, -1)})
		return h
	}
	shape := func(page []byte) string {
		_, all := read(t, page)
		var out strings.Builder
		for _, x := range all {
			out.WriteString(x.Name.Local)
			for _, a := range x.Attr {
				out.WriteString(" " + a.Name.Local)
			}
			out.WriteString("\n")
		}
		return out.String()
	}
	_, plain := drawn(t, spoilt("plain"), policy(t, ""), 100)
	for _, s := range nasty {
		_, page := drawn(t, spoilt(s), policy(t, ""), 100)
		if shape(page) != shape(plain) {
			t.Errorf("%.40q changes the elements of the page", s)
		}
		root, all := read(t, page)
		for _, x := range all {
			for _, a := range x.Attr {
				if x.Name.Local == "script" || strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "src" || a.Name.Local == "style" || a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#") {
					t.Errorf("%.40q: <%s %s=%.60q>", s, x.Name.Local, a.Name.Local, a.Value)
				}
			}
		}
		for i, r := range string(page) {
			if r != '\n' && htmlpage.Printable(string(r)) != string(r) {
				t.Errorf("%.40q: %U at byte %d", s, r, i)
				break
			}
		}
		found := false
		for _, i := range root.items["cases"] {
			found = found || i.one(t, "holder") == text(s)
		}
		if !found {
			t.Errorf("%.40q isn't there as text", s)
		}
	}
}

// TestPageLoadsNothing looks for anything that a browser would fetch or run.
func TestPageLoadsNothing(t *testing.T) {
	_, page := drawn(t, world(), policy(t, ""), 100)
	_, all := read(t, page)
	for _, x := range all {
		switch x.Name.Local {
		case "script", "link", "img", "iframe", "object", "embed", "audio", "video", "image", "form", "base", "foreignObject":
			t.Errorf("<%s> is on the page", x.Name.Local)
		}
	}
	for _, s := range []string{"http:", "https:", "url(\"", "url(h", "url(d", "@import", "@font-face"} {
		if strings.Contains(string(page), s) {
			t.Errorf("%q is on the page", s)
		}
	}
	if !strings.Contains(string(page), `content="default-src 'none'; style-src 'sha256-`) {
		t.Error("no policy forbids what isn't the page's own")
	}
}
