package web_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"pgregory.net/rapid"

	"lastresort/decide/web"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func matcher(t testing.TB, text string) *web.Matcher {
	t.Helper()
	var own struct {
		Web []web.Rule `toml:"web"`
	}
	if _, err := toml.Decode(text, &own); err != nil {
		t.Fatal(err)
	}
	rules, err := web.New(own.Web)
	if err != nil {
		t.Fatal(err)
	}
	return rules.Matcher()
}

func TestBuiltinRules(t *testing.T) {
	for _, c := range []struct {
		method, path string
		status       int64
		user         bool
		want         string
	}{
		{"GET", "/", 200, false, ""},
		{"GET", "/a-page-that-moved", 404, false, ""},
		{"GET", "/wp-login.php", 404, false, "web-probe"},
		{"GET", "/WP-Login.php", 403, false, "web-probe"},
		{"GET", "/wp-login.php", 200, false, ""},
		{"GET", "/wp-login.php", 503, false, ""},
		{"POST", "/blog/wp-login.php", 200, false, "web-login"},
		{"POST", "/blog/wp-login.php?redirect_to=x", 200, false, "web-login"},
		{"POST", "/wp-login.php", 302, false, ""},
		{"GET", "/search?q=/wp-login", 404, false, ""},
		{"GET", "/search?q=1+UNION+SELECT+2", 200, false, "web-exploit"},
		{"GET", "/a/../../etc/passwd", 400, false, "web-exploit"},
		{"", "/srv/www/cgi/php5", 404, false, "web-probe"},
		{"GET", "/php5", 403, false, ""},
		{"GET", "/private", 401, true, "web-login"},
		{"GET", "/private", 401, false, ""},
		{"GET", "/wp-admin", 429, false, ""},
		{"CONNECT", "198.51.100.1:25", 405, false, "web-probe"},
		{"CONNECT", "198.51.100.1:25", 200, false, ""},
		{web.None, "", 400, false, "web-probe"},
		{web.None, "", 408, false, ""},
		{web.None, "", 200, false, ""},
		{"GET", "/a%2f..%2fb", 200, false, "web-exploit"},
		{"GET", "/a/%252e%252e/b", 404, false, "web-exploit"},
		{"GET", "/a/%25252e%25252e/b", 404, false, "web-exploit"},
		{"GET", "/a/%%32%65%%32%65/b", 404, false, "web-exploit"},
		{"GET", "/?q=1%20Union%20All%20select%202", 200, false, "web-exploit"},
		{"GET", "/?q=%27%3bselect+pg_sleep%289%29", 200, false, "web-exploit"},
		{"GET", "/x%0d%0aSet-Cookie:a=b", 404, false, "web-exploit"},
		{"GET", "/100%", 404, false, ""},
		{"GET", "/100%25", 404, false, ""},
		{"GET", "/%zz%", 404, false, ""},
		{"GET", "/news/%C3%BCbersicht?page=2", 200, false, ""},
		{"GET", "/union/select", 200, false, ""},
		{"GET", "/.env", 200, false, "web-probe"},
		{"GET", "/%2eenv", 200, false, "web-probe"},
		{"GET", "/.env", 500, false, "web-probe"},
		{"GET", "/code/app/.env", 200, false, ""},
		{"GET", "/code/app/.env", 404, false, "web-probe"},
		{"GET", "/shop/dump.sql.gz", 404, false, "web-probe"},
		{"GET", "/shop/dump.sql.gz", 200, false, ""},
		{"GET", "/wp-content/uploads/2026/11/a.jpg", 404, false, ""},
		{"GET", "/wp-content/plugins/shop/readme.txt?v=1", 404, false, "web-probe"},
		{"GET", "/wp-content/plugins/shop/", 403, false, "web-probe"},
		{"GET", "/wp-content/news", 404, false, ""},
		{"POST", "/wp-admin/admin-ajax.php", 403, false, ""},
		{"POST", "/wp-admin/admin.php", 403, false, "web-probe"},
		{"GET", "/roundcube/skins/a.svg", 404, false, ""},
		{"GET", "/roundcube/", 404, false, "web-probe"},
		{"GET", "/autodiscover/autodiscover.xml", 404, false, ""},
		{"POST", "/autodiscover/autodiscover.json?@a", 404, false, "web-exploit"},
		{"GET", "/owa/", 440, false, ""},
		{"GET", "/wp-admin/", 499, false, ""},
		{"GET", "/account/order_history", 404, false, ""},
		{"TRACE", "/", 405, false, "web-probe"},
		{"TRACE", "/", 200, false, ""},
		{"GET", "", 999, false, ""},
		{"GET", "", -1, false, ""},
	} {
		r := web.Request{Source: netip.MustParseAddr("192.0.2.66"), At: noon, Method: c.method, Path: []byte(c.path), Status: c.status, User: c.user}
		if got := matcher(t, "").Kind(&r); got != c.want {
			t.Errorf("%s %q %d user %v: %q, expected %q", c.method, c.path, c.status, c.user, got, c.want)
		}
	}
}

// example returns a method and a status of a rule's own, where it doesn't hold for what r has.
func example(rule web.Rule, r web.Request) (method string, status int64) {
	method, status = r.Method, r.Status
	if len(rule.Method) > 0 && !slices.Contains(rule.Method, method) {
		method = rule.Method[0]
	}
	if len(rule.Status) == 1 {
		if n, err := strconv.ParseInt(rule.Status[0], 10, 64); err == nil {
			status = n
		}
	}
	return method, status
}

// TestEveryBuiltinPartCounts finds a part that an earlier rule hides.
func TestEveryBuiltinPartCounts(t *testing.T) {
	var table struct {
		Web []web.Rule `toml:"web"`
	}
	if _, err := toml.Decode(web.Builtin, &table); err != nil {
		t.Fatal(err)
	}
	parts := 0
	for _, rule := range table.Web {
		for _, name := range rule.Agent {
			if got := matcher(t, "").Kind(&web.Request{At: noon, Method: "GET", Path: []byte("/"), Status: 200, Agent: []byte("a " + strings.ToUpper(name))}); got != rule.Kind && len(rule.Outside) == 0 {
				t.Errorf("%q is %q; expected %q", name, got, rule.Kind)
			}
		}
		if rule.Pace > 1 {
			continue
		}
		for i, part := range slices.Concat(rule.Begin, rule.Path, rule.End) {
			parts++
			lead, tail := "/x", ""
			switch path := i >= len(rule.Begin) && i < len(rule.Begin)+len(rule.Path); {
			case i < len(rule.Begin):
				lead = ""
			case path && len(rule.End) > 0:
				tail = "x" + rule.End[0]
			case !path && len(rule.Path) > 0:
				lead = rule.Path[0] + "x"
			}
			r := web.Request{At: noon, Method: "GET", Path: []byte(lead + strings.ToUpper(part) + tail), Status: 404}
			if len(rule.Method)+len(rule.Status) > 0 {
				r.Method, r.Status = example(rule, r)
			}
			if got := matcher(t, "").Kind(&r); got != rule.Kind {
				t.Errorf("%q is %q; expected %q", part, got, rule.Kind)
			}
			if part != strings.ToLower(part) {
				t.Errorf("%q is not in lower case", part)
			}
		}
	}
	if parts < 100 {
		t.Errorf("%d parts of paths; the table was cut", parts)
	}
}

func TestOwnRulesComeFirst(t *testing.T) {
	m := matcher(t, `
[[web]]
kind = ""
path = ["/Backup"]
[[web]]
kind = "shop-abuse"
end = ["/checkout"]
method = ["POST"]
status = ["403", "5xx"]
`)
	for _, c := range []struct {
		method, path string
		status       int64
		want         string
	}{
		{"GET", "/backup/list", 404, ""},
		{"GET", "/phpmyadmin", 404, "web-probe"},
		{"POST", "/shop/CHECKOUT", 403, "shop-abuse"},
		{"POST", "/shop/checkout?a=b", 503, "shop-abuse"},
		{"POST", "/shop/checkout/", 403, ""},
		{"POST", "/shop/checkout", 404, ""},
		{"GET", "/shop/checkout", 403, ""},
	} {
		if got := m.Kind(&web.Request{At: noon, Method: c.method, Path: []byte(c.path), Status: c.status}); got != c.want {
			t.Errorf("%s %s %d: %q, expected %q", c.method, c.path, c.status, got, c.want)
		}
	}
}

// TestPace holds each source to a pace of its own, by the minute.
func TestPace(t *testing.T) {
	m := matcher(t, "[[web]]\nkind = \"web-probe\"\nstatus = [\"404\"]\npace = 3")
	ask := func(host byte, second int) string {
		return m.Kind(&web.Request{Source: netip.AddrFrom4([4]byte{192, 0, 2, host}), At: noon.Add(time.Duration(second) * time.Second), Method: "GET", Path: []byte("/x"), Status: 404})
	}
	var got []string
	for _, q := range []struct {
		host   byte
		second int
	}{{1, 0}, {1, 20}, {2, 21}, {1, 59}, {1, 59}, {1, 60}, {1, 61}, {2, 80}, {2, 81}, {1, 119}, {1, 120}} {
		got = append(got, fmt.Sprintf("%d@%d %s", q.host, q.second, ask(q.host, q.second)))
	}
	want := []string{"1@0 ", "1@20 ", "2@21 ", "1@59 web-probe", "1@59 web-probe", "1@60 ", "1@61 ", "2@80 ", "2@81 ", "1@119 web-probe", "1@120 "}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestPaceIsBounded asks from more sources than are remembered; one that asks on and on is counted all the same.
func TestPaceIsBounded(t *testing.T) {
	m := matcher(t, "[[web]]\nkind = \"web-probe\"\nstatus = [\"404\"]\npace = 5")
	counted := 0
	at := noon
	for i := range 200_000 {
		at = at.Add(5 * time.Millisecond)
		source := netip.AddrFrom4([4]byte{198, byte(i >> 16), byte(i >> 8), byte(i)})
		if i%100 == 0 {
			source = netip.MustParseAddr("192.0.2.66")
		}
		if m.Kind(&web.Request{Source: source, At: at, Method: "GET", Path: []byte("/x"), Status: 404}) != "" {
			counted++
		}
	}
	if counted < 1800 || counted > 2000 {
		t.Errorf("%d of its 2000 requests counted; expected nearly all", counted)
	}
}

func TestWrongRules(t *testing.T) {
	for _, c := range []struct {
		rule web.Rule
		want string
	}{
		{web.Rule{Kind: "scan"}, "it holds for every request; expected a path, begin, end, method, status, user or agent"},
		{web.Rule{Kind: "scan", Query: true, Pace: 9}, "it holds for every request; expected a path, begin, end, method, status, user or agent"},
		{web.Rule{Kind: "a b", User: true}, `kind "a b"; expected a name of small letters, digits and hyphens, such as web-probe`},
		{web.Rule{Kind: "scan", Path: []string{"/a", ""}}, "an empty part of a path, which every path holds; expected some text"},
		{web.Rule{Kind: "scan", End: []string{""}}, "an empty part of a path, which every path holds; expected some text"},
		{web.Rule{Kind: "scan", Status: []string{"40"}}, `status "40"; expected one such as 404 or 4xx`},
		{web.Rule{Kind: "scan", Status: []string{"600"}}, `status "600"; expected one such as 404 or 4xx`},
		{web.Rule{Kind: "scan", Status: []string{"4x4"}}, `status "4x4"; expected one such as 404 or 4xx`},
		{web.Rule{Kind: "scan", User: true, Pace: -1}, "pace -1; expected 0 to 100000 requests"},
		{web.Rule{Kind: "scan", User: true, Pace: 100001}, "pace 100001; expected 0 to 100000 requests"},
		{web.Rule{Kind: "scan", End: []string{"/a"}, Query: true}, "query without a path; it says where the path's parts are looked for"},
		{web.Rule{User: true, Pace: 2}, "a pace without a kind; what is ordinary needs none"},
	} {
		good := web.Rule{Kind: "scan", Status: []string{"404"}}
		_, err := web.New([]web.Rule{good, c.rule})
		var wrong *web.RuleError
		if !errors.As(err, &wrong) || wrong.Rule != 2 || wrong.Why.Error() != c.want || err.Error() != "rule 2: "+c.want {
			t.Errorf("%+v: %v; expected rule 2: %s", c.rule, err, c.want)
		}
	}
}

func BenchmarkKind(b *testing.B) {
	m := matcher(b, "")
	r := web.Request{At: noon, Method: "GET", Path: []byte("/articles/2026/11/a-long-name-of-a-page-that-nobody-would-mistake?from=list&page=3"), Status: 404}
	b.SetBytes(int64(len(r.Path)))
	for b.Loop() {
		m.Kind(&r)
	}
}

// TestParts holds the look for many parts to one for each.
func TestParts(t *testing.T) {
	letters := rapid.SampledFrom([]byte("abAB/.%"))
	rapid.Check(t, func(r *rapid.T) {
		var list []string
		for range rapid.IntRange(1, 5).Draw(r, "parts") {
			list = append(list, strings.ToLower(string(rapid.SliceOfN(letters, 1, 6).Draw(r, "part"))))
		}
		text := rapid.SliceOfN(letters, 0, 12).Draw(r, "text")
		want := slices.ContainsFunc(list, func(part string) bool { return strings.Contains(strings.ToLower(string(text)), part) })
		m, err := web.New([]web.Rule{{Kind: "scan", Path: list}})
		if err != nil {
			r.Fatal(err)
		}
		got := m.Matcher().Kind(&web.Request{At: noon, Method: "GET", Path: text, Status: 200}) == "scan"
		if got != want {
			r.Fatalf("%q holds one of %q: %v; expected %v", text, list, got, want)
		}
	})
}
