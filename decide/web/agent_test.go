package web_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"lastresort/decide/web"
)

// TestCrawlersThatLie holds that one who only says to be a crawler is told where it is known whence that one comes, and nobody else.
func TestCrawlersThatLie(t *testing.T) {
	home := netip.MustParsePrefix("198.51.100.0/24")
	rules, err := web.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	m := rules.Knowing(func(outside, holder []string, source netip.Addr, _ time.Time) (inside, known bool) {
		return home.Contains(source), slices.Contains(outside, "googlebot") && source.Is4()
	}).Matcher()
	for _, c := range []struct{ source, agent, want string }{
		{"192.0.2.66", "Mozilla/5.0 (compatible; GoogleBot/2.1; +http://www.google.com/bot.html)", "web-probe"},
		{"198.51.100.7", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", ""},
		{"2001:db8::66", "Googlebot/2.1", ""}, // of IPv6 nobody knows
		{"192.0.2.66", "bingbot/2.0", ""},     // nor of this one
		{"192.0.2.66", "Mozilla/5.0 (X11; Linux x86_64)", ""},
		{"192.0.2.66", "", ""},
	} {
		r := web.Request{Source: netip.MustParseAddr(c.source), At: noon, Method: "GET", Path: []byte("/"), Status: 200, Agent: []byte(c.agent)}
		if got := m.Kind(&r); got != c.want {
			t.Errorf("%s as %q is %q; expected %q", c.source, c.agent, got, c.want)
		}
		if got := rules.Matcher().Kind(&r); got != "" {
			t.Errorf("%s as %q is %q where no range is known", c.source, c.agent, got)
		}
	}
}

func TestAgentRules(t *testing.T) {
	m := matcher(t, "[[web]]\nkind = \"scan\"\nagent = [\"ZGrab\"]\nstatus = [\"2xx\"]\n")
	for agent, want := range map[string]string{"Mozilla/5.0 zgrab/0.x": "scan", "Mozilla/5.0": ""} {
		if got := m.Kind(&web.Request{At: noon, Method: "GET", Path: []byte("/"), Status: 200, Agent: []byte(agent)}); got != want {
			t.Errorf("%q is %q; expected %q", agent, got, want)
		}
	}
	// More lists of agents, and of paths, than there are bits.
	var own []web.Rule
	for i := range 100 {
		own = append(own, web.Rule{Kind: fmt.Sprintf("agent-%d", i), Agent: []string{fmt.Sprintf("prober-%d;", i)}},
			web.Rule{Kind: fmt.Sprintf("path-%d", i), Path: []string{fmt.Sprintf("/asked-%d/", i)}})
	}
	rules, err := web.New(own)
	if err != nil {
		t.Fatal(err)
	}
	m = rules.Matcher()
	for i := range 100 {
		r := web.Request{At: noon, Method: "GET", Path: []byte("/"), Status: 200, Agent: fmt.Appendf(nil, "Prober-%d; x", i)}
		if got, want := m.Kind(&r), fmt.Sprintf("agent-%d", i); got != want {
			t.Errorf("%s is %q; expected %q", r.Agent, got, want)
		}
		r = web.Request{At: noon, Method: "GET", Path: fmt.Appendf(nil, "/a/Asked-%d/", i), Status: 200, Agent: []byte("Mozilla/5.0")}
		if got, want := m.Kind(&r), fmt.Sprintf("path-%d", i); got != want {
			t.Errorf("%s is %q; expected %q", r.Path, got, want)
		}
	}
	for _, r := range []web.Rule{
		{Kind: "scan", Agent: []string{""}},
		{Kind: "scan", User: true, Outside: []string{"x"}},
		{Kind: "scan", Agent: []string{"x"}, Holder: []string{"x"}},
		{Kind: "scan", Agent: []string{"x"}, Outside: []string{""}},
	} {
		if _, err := web.New([]web.Rule{r}); !errors.As(err, new(*web.RuleError)) {
			t.Errorf("%+v: %v; expected an error", r, err)
		}
	}
}
