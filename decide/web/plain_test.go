package web_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lastresort/decide/web"
)

var encoded = regexp.MustCompile(`%[0-9a-f]{2}`)

// decoded is a path with every %xx of it decoded, in lower case, up to three times.
func decoded(path string) string {
	for range 3 {
		path = encoded.ReplaceAllStringFunc(path, func(x string) string {
			n, _ := strconv.ParseUint(x[1:], 16, 8)
			return string([]byte{byte(n)})
		})
	}
	return path
}

// asks tells whether a rule's conditions on a path hold, word for word.
func asks(rule web.Rule, path string) bool {
	before, _, _ := strings.Cut(path, "?")
	whole := before
	if rule.Query {
		whole = path
	}
	holds := func(list []string, is func(part string) bool) bool {
		return len(list) == 0 || slices.ContainsFunc(list, is)
	}
	return holds(rule.Path, func(part string) bool {
		return strings.Contains(whole, part) || strings.Contains(whole, strings.ReplaceAll(part, " ", "+"))
	}) && holds(rule.Begin, func(part string) bool { return strings.HasPrefix(before, part) }) &&
		holds(rule.End, func(part string) bool { return strings.HasSuffix(before, part) })
}

// plainKind reads the rules one after the other, without the matcher's short cuts.
func plainKind(rules []web.Rule, method, path, agent string, status int) string {
	for _, rule := range rules {
		answer := len(rule.Status) == 0
		for _, s := range rule.Status {
			answer = answer || s == strconv.Itoa(status) || strings.HasSuffix(s, "xx") && s[0] == strconv.Itoa(status)[0]
		}
		if answer && (len(rule.Method) == 0 || slices.Contains(rule.Method, method)) &&
			(len(rule.Agent) == 0 || slices.ContainsFunc(rule.Agent, func(a string) bool { return strings.Contains(agent, a) })) &&
			(asks(rule, path) || asks(rule, decoded(path))) {
			return rule.Kind
		}
	}
	return ""
}

// TestKindIsWhatTheRulesSay holds a matcher that has seen many requests to a plain reading of its rules.
func TestKindIsWhatTheRulesSay(t *testing.T) {
	text := func(most int) *rapid.Generator[string] {
		return rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "/", ".", "?", "%", "2", "5", "e", " ", "+", "%2e", "%2f", "%252e"}), 1, most),
			func(list []string) string { return strings.Join(list, "") })
	}
	rapid.Check(t, func(r *rapid.T) {
		var rules []web.Rule
		for i := range rapid.SampledFrom([]int{0, 40, 80}).Draw(r, "others") { // past the number of bits some lists share one
			rules = append(rules, web.Rule{Kind: "o" + strconv.Itoa(i), Path: []string{"zz" + strconv.Itoa(i) + "zz"}, Query: true})
		}
		for i := range rapid.IntRange(1, 5).Draw(r, "rules") {
			some := func(name string, g *rapid.Generator[string]) []string {
				return rapid.SliceOfN(g, 0, 2).Draw(r, name)
			}
			rule := web.Rule{Kind: "k" + strconv.Itoa(i), Path: some("path", text(4)), Begin: some("begin", text(3)), End: some("end", text(3)), Agent: some("agent", text(3)),
				Method: some("method", rapid.SampledFrom([]string{"GET", "POST"})), Status: some("status", rapid.SampledFrom([]string{"200", "404", "4xx"}))}
			rule.Query = len(rule.Path) > 0 && rapid.Bool().Draw(r, "query")
			if len(rule.Path)+len(rule.Begin)+len(rule.End)+len(rule.Agent)+len(rule.Method)+len(rule.Status) > 0 {
				rules = append(rules, rule)
			}
		}
		ready, err := web.New(rules)
		if err != nil {
			r.Fatal(err)
		}
		m := ready.Matcher()
		for range rapid.IntRange(1, 20).Draw(r, "requests") {
			path, agent := text(8).Draw(r, "asked"), text(5).Draw(r, "called")
			method := rapid.SampledFrom([]string{"GET", "POST", "HEAD"}).Draw(r, "by")
			status := rapid.SampledFrom([]int{200, 302, 403, 404}).Draw(r, "answer")
			want := plainKind(rules, method, path, agent, status)
			got := m.Kind(&web.Request{At: noon, Method: method, Path: []byte(path), Status: int64(status), Agent: []byte(agent)})
			if got != want && (want != "" || strings.HasPrefix(got, "k")) { // what none of these holds for is left to those built in
				r.Fatalf("%s %q %d by %q is %q; expected %q of %+v", method, path, status, agent, got, want, rules)
			}
		}
	})
}
