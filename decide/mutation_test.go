//go:build mutation

package decide_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMutation changes one comparison, connective or constant of the judging at a time and expects the other tests to fail:
//
//	go test -tags mutation -run Mutation -timeout 4h ./decide
//
// All changes are built into one test binary, in which an environment variable turns one of them on; constants in
// declarations can't be turned on while the program runs and stay as they are.
func TestMutation(t *testing.T) {
	dir := t.TempDir()
	all := instrument(t, dir)
	binary := build(t, dir)
	chosen := slices.DeleteFunc(slices.Clone(all), func(m mutant) bool {
		return !strings.Contains(m.where, *mutateOnly) || m.id%*mutateEvery != 0
	})
	if out, err := try(t, binary, 0); err != nil {
		t.Fatalf("without any change: %v\n%s", err, out)
	}
	survived := survivors(t, binary, chosen)
	var equal []mutant
	for _, m := range survived {
		if why, ok := equivalents[m.text()]; ok {
			t.Logf("the same: %s: %s: %s", m.where, m.change, why)
			equal = append(equal, m)
			continue
		}
		t.Logf("survives: %s: %s", m.where, m.change)
	}
	counted := len(chosen) - len(equal)
	killed := counted - (len(survived) - len(equal))
	t.Logf("%d of %d changes are noticed, %.1f %%; %d more change nothing that could be noticed", killed, counted, 100*float64(killed)/float64(counted), len(equal))
	if float64(killed) < 0.95*float64(counted) {
		t.Errorf("under 95 %%")
	}
}

var (
	mutateOnly  = flag.String("mutate.only", "", "only changes whose place, file:line, contains this")
	mutateEvery = flag.Int("mutate.every", 1, "only each so many-th change")
)

// equivalents are changes after which the program does the same, by file, change and source line, and why.
var equivalents = map[string]string{
	"standing.go: not true | return true":                                  "only whether what is as it should be goes the longer way",
	"standing.go: > -> >= in len(ended) > 0 | if same && len(ended) > 0 {": "only whether a list that stays as it is is copied",
	"standing.go: > -> >= in len(ended) > 0 | if len(ended) > 0 {":         "only whether what no release ends is put together anew",
	"packed.go: < -> <= in bytes.Compare(f.row(i), f.row(j)) < 0 | func (f *family) Less(i, j int) bool { return bytes.Compare(f.row(i), f.row(j)) < 0 }": "no two rows are of one record",
	"packed.go: < -> >= in bytes.Compare(f.row(i), f.row(j)) < 0 | func (f *family) Less(i, j int) bool { return bytes.Compare(f.row(i), f.row(j)) < 0 }": "sorted the other way all are one group, which is sorted itself",
	"packed.go: 0 -> 0+1 | func (f *family) Less(i, j int) bool { return bytes.Compare(f.row(i), f.row(j)) < 0 }":                                         "no two rows are of one record",
	"packed.go: < -> <= in cap(f.data)-n < f.size() | if n := len(f.data); cap(f.data)-n < f.size() {":                                                    "only when room is made",
	"packed.go: < -> >= in cap(f.data)-n < f.size() | if n := len(f.data); cap(f.data)-n < f.size() {":                                                    "only when room is made",
	"packed.go: 64 -> 64+1 | f.data = slices.Grow(f.data, max(64*f.size(), n/4, n*(of-after)/max(1, after)))":                                             "only how much room is made",
	"packed.go: 4 -> 4+1 | f.data = slices.Grow(f.data, max(64*f.size(), n/4, n*(of-after)/max(1, after)))":                                               "only how much room is made",
	"packed.go: 1 -> 1+1 | f.data = slices.Grow(f.data, max(64*f.size(), n/4, n*(of-after)/max(1, after)))":                                               "only how much room is made",
	"packed.go: not false | anew, changed := family{}, false":                                                                                             "only whether a list that stays as it is is written anew",
	"packed.go: > -> >= in len(group) > 1 | if len(group) > 1 || !s.whole(&group[0]) {":                                                                   "only whether what is whole is looked at by the longer way",
	"blocks.go: 1 -> 1+1 | return 1":                                                                         "a comparison's result counts by its sign",
	"letters.go: 1 -> 1+1 | return 1":                                                                        "a comparison's result counts by its sign",
	"standing.go: 1 -> 1+1 | return 1":                                                                       "a comparison's result counts by its sign",
	"rules.go: not true | days[dayOf(x.Last)] = true":                                                        "the map is a set: only its keys are counted",
	"choices.go: 0.0 -> 0.0+1 | most := 0.0":                                                                 "no range holds less than one address",
	"choices.go: 1 -> 1+1 | least, danger := -1, math.Inf(1)":                                                "either number is below 0, and either sign of Inf is 1 or more",
	"choices.go: 1 -> 1+1 | cost := math.Inf(1)":                                                             "Inf takes any number of 1 or more for the same",
	"duration.go: > -> >= in total > 1<<63-1-part | if total > 1<<63-1-part {":                               "both are whole seconds, and the limit is none",
	"duration.go: 0 -> 0+1 | if total <= 0 {":                                                                "no duration is shorter than a second",
	"known.go: 0 -> 0+1 | func plain(t time.Time) time.Time { return t.Round(0).UTC() }":                     "rounding to a nanosecond drops the monotonic clock too",
	"known.go: not true | strict, sorted := true, true":                                                      "only whether a list that is sorted already is copied",
	"known.go: <= -> < in c <= 0 | strict, sorted = strict && c < 0, c <= 0":                                 "only whether a list that is sorted already is sorted again",
	"known.go: <= -> > in c <= 0 | strict, sorted = strict && c < 0, c <= 0":                                 "only whether a list that is sorted already is sorted again",
	"ladder.go: > -> >= in ch.relapses > 0 | if ch := n.chainOf(eps); ch.relapses > 0 && ch.step+1 > step {": "without a relapse there is no step before, and no level begins below the first",
	"night.go: < -> <= in len(list) < p.Offender.Group | if len(list) < p.Offender.Group || together < int64(p.Offender.Group)*p.Offender.Events {":              "as many sources as that reach the sum only where each is an offender by itself",
	"checklist.go: 86400 -> 86400+1 | func dateOfDay(day int) string { return dateOf(time.Unix(int64(day)*86400, 0)) }":                                          "until 2206 so many seconds are less than a day",
	"checklist.go: 0 -> 0+1 | func dateOfDay(day int) string { return dateOf(time.Unix(int64(day)*86400, 0)) }":                                                  "a nanosecond later is the same date",
	"dossier.go: < -> <= in s < w.p.step | case w.skips[s] || j.path.waived || s < w.p.step:":                                                                    "the step that the path has come to was sent, so it is done",
	"guard.go: > -> >= in c.lost > 0 | if !slices.ContainsFunc(adding, func(c Case) bool { return c.lost > 0 }) {":                                               "only whether honest traffic is added up of which nothing is lost",
	"judge.go: > -> >= in n.policy.Range.Budget > 0 | if n.policy.Range.Budget > 0 {":                                                                            "only whether what no limit asks for is kept in memory",
	"night.go: >= -> > in len(suspects) >= p.Offender.Group | if src.joins() && len(suspects) >= p.Offender.Group {":                                             "as many sources as that reach the sum only where each is an offender by itself",
	"replay.go: < -> <= in n.today-b.seen < recent | if n.today-b.seen < recent && !stands[b.key] && len(b.offenders(n)) > 0 {":                                  "a case without an offender seen recently is judged, and nothing is blocked in it",
	"replay.go: > -> >= in len(b.offenders(n)) > 0 | if n.today-b.seen < recent && !stands[b.key] && len(b.offenders(n)) > 0 {":                                  "a case without an offender is judged, and nothing is blocked in it",
	"replay.go: 0 -> 0+1 | g.SetLimit(runtime.GOMAXPROCS(0))":                                                                                                    "only on how many processors cases are judged",
	"replay_rows.go: > -> >= in len(src.traffic) > 0 | b.honest = b.honest || len(src.traffic) > 0":                                                              "only which sources are gone through for honest traffic",
	"source.go: 0 -> 0+1 | case len(t) == 0 || len(s) > 0 && s[0].Source.Less(t[0].Source):":                                                                     "only whether the last source without honest traffic comes before one that has nothing else",
	"registry.go: > -> >= in g.Bits() > netblockOf.Bits() | if g := netblock.Group(a); g.Bits() > netblockOf.Bits() {":                                           "of the same length they are the same prefix",
	"source.go: 0 -> 0+1 | n, last := 0, netip.Addr{}":                                                                                                           "only how much memory is set aside",
	"source.go: != -> == in a != last | if a := netblock.Unit(of(&list[i])); a != last {":                                                                        "only how much memory is set aside",
	"source.go: 1 -> 1+1 | n, last = n+1, a":                                                                                                                     "only how much memory is set aside",
	"source.go: && -> || in x.Kind == breakIn && proves(x) | s.brokeIn = s.brokeIn || x.Kind == breakIn && proves(x)":                                            "only which sources are gone through for a break-in, by kind and proof again",
	"standing.go: > -> >= in len(up) > 1 | if len(up) > 1 || l.both.Overlaps(wholeUnits(p.Range)) {":                                                             "only whether what touches no wall is cut by none",
	"standing.go: > -> >= in a.Range.Addresses() > b.Range.Addresses() | if a.Range.Addresses() > b.Range.Addresses() {":                                         "they differ here",
	"policy_parse.go: 0 -> 0+1 | return check{key, got, got < 0 || math.IsNaN(got) || math.IsInf(got, 0), \"a number of 0 or more\"}":                            "of infinities only the positive is left to find",
	"dossier.go: >= -> > in j.path.step >= reportStep | func (j *judge) beside(a Action) bool { return a.Action == ReportContact && j.path.step >= reportStep }": "a step that is done isn't looked up among what is due",
}

// mutant is one change.
type mutant struct {
	id     int
	where  string // file:line
	change string
	source string // the line
}

// text is a change without its line's number, which moves.
func (m mutant) text() string {
	file, _, _ := strings.Cut(m.where, ":")
	return file + ": " + m.change + " | " + m.source
}

// twins are the operators that a comparison or connective is changed to: another boundary, and the opposite.
var twins = map[token.Token][]token.Token{
	token.LSS: {token.LEQ, token.GEQ}, token.LEQ: {token.LSS, token.GTR}, token.GTR: {token.GEQ, token.LEQ}, token.GEQ: {token.GTR, token.LSS},
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL}, token.LAND: {token.LOR}, token.LOR: {token.LAND},
}

// instrument writes the package's files with all changes in them, and an overlay that puts them in place.
func instrument(t *testing.T, dir string) []mutant {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	var paths []string
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files, paths = append(files, f), append(paths, name)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", exports(t))}
	pkg, err := conf.Check("lastresort/decide", fset, files, info)
	if err != nil {
		t.Fatal(err)
	}
	m := mutator{fset: fset, info: info, pkg: pkg}
	overlay := map[string]string{}
	for i, f := range files {
		text, err := os.ReadFile(paths[i])
		if err != nil {
			t.Fatal(err)
		}
		m.text, m.file = text, fset.File(f.Pos())
		out := filepath.Join(dir, paths[i])
		if err := os.WriteFile(out, []byte(m.rewrite(f, 0, len(text))), 0o600); err != nil {
			t.Fatal(err)
		}
		path, err := filepath.Abs(paths[i])
		if err != nil {
			t.Fatal(err)
		}
		overlay[path] = out
	}
	switchboard := filepath.Join(dir, "zz_mutant.go")
	path, err := filepath.Abs("zz_mutant.go")
	if err != nil {
		t.Fatal(err)
	}
	overlay[path] = switchboard
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	if err == nil {
		err = errors.Join(os.WriteFile(switchboard, []byte(switchboardText), 0o600), os.WriteFile(filepath.Join(dir, "overlay.json"), text, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	return m.all
}

const switchboardText = `package decide

import (
	"os"
	"strconv"
)

var mutantOn, _ = strconv.Atoi(os.Getenv("MUTANT"))

func mutated(id int) bool { return id == mutantOn }

func mutatedBy(id int) int {
	if id == mutantOn {
		return 1
	}
	return 0
}
`

// exports finds the compiled packages that this one imports.
func exports(t *testing.T) importer.Lookup {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		files[path] = file
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
}

// mutator rewrites source text.
type mutator struct {
	fset *token.FileSet
	info *types.Info
	pkg  *types.Package
	text []byte
	file *token.File
	all  []mutant
}

func (m *mutator) next(at ast.Node, format string, args ...any) int {
	p := m.fset.Position(at.Pos())
	id := len(m.all) + 1
	line := strings.TrimSpace(strings.SplitN(string(m.text[m.file.Offset(m.file.LineStart(p.Line)):]), "\n", 2)[0])
	m.all = append(m.all, mutant{id, fmt.Sprintf("%s:%d", filepath.Base(p.Filename), p.Line), fmt.Sprintf(format, args...), line})
	return id
}

func (m *mutator) source(n ast.Node) string {
	return string(m.text[m.file.Offset(n.Pos()):m.file.Offset(n.End())])
}

// rewrite returns the text of a node from one offset to another, with the changes of everything inside it.
func (m *mutator) rewrite(root ast.Node, from, to int) string {
	var out strings.Builder
	at := from
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil || n == root {
			return true
		}
		if d, ok := n.(*ast.GenDecl); ok && (d.Tok == token.CONST || d.Tok == token.IMPORT || d.Tok == token.TYPE) {
			return false
		}
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		if _, isArray := n.(*ast.ArrayType); isArray {
			return false // a length must be constant
		}
		if s := m.changed(e); s != "" {
			out.Write(m.text[at:m.file.Offset(e.Pos())])
			out.WriteString(s)
			at = m.file.Offset(e.End())
			return false
		}
		return true
	})
	out.Write(m.text[at:to])
	return out.String()
}

func (m *mutator) inside(e ast.Expr) string {
	if s := m.changed(e); s != "" {
		return s
	}
	return m.rewrite(e, m.file.Offset(e.Pos()), m.file.Offset(e.End()))
}

// changed returns an expression with its changes, "" where it has none of its own.
func (m *mutator) changed(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		ops := twins[e.Op]
		if ops == nil || m.info.Types[e].Value != nil {
			return ""
		}
		if boundary := m.info.Types[e.X].Type; e.Op == token.EQL && boundary == nil {
			return ""
		}
		var ids []int
		for _, op := range ops {
			ids = append(ids, m.next(e, "%s -> %s in %s", e.Op, op, m.source(e)))
		}
		x, y := m.inside(e.X), m.inside(e.Y)
		var text, none strings.Builder
		for i, op := range ops {
			fmt.Fprintf(&text, "mutated(%d) && ((%s) %s (%s)) || ", ids[i], x, op, y)
			fmt.Fprintf(&none, "!mutated(%d) && ", ids[i])
		}
		return "(" + text.String() + none.String() + "((" + x + ") " + e.Op.String() + " (" + y + ")))"
	case *ast.BasicLit:
		kind := m.info.Types[e].Type
		if e.Kind != token.INT && e.Kind != token.FLOAT || kind == nil {
			return ""
		}
		basic, ok := kind.Underlying().(*types.Basic)
		if !ok || basic.Info()&types.IsUntyped != 0 {
			return ""
		}
		name := types.TypeString(kind, func(p *types.Package) string {
			if p == m.pkg {
				return ""
			}
			return p.Name()
		})
		return fmt.Sprintf("(%s(%s) + %s(mutatedBy(%d)))", name, e.Value, name, m.next(e, "%s -> %s+1", e.Value, e.Value))
	case *ast.Ident:
		v := m.info.Types[e].Value
		if v == nil || e.Name != "true" && e.Name != "false" {
			return ""
		}
		id := m.next(e, "not %s", e.Name)
		if e.Name == "true" {
			return fmt.Sprintf("!mutated(%d)", id)
		}
		return fmt.Sprintf("mutated(%d)", id)
	}
	return ""
}

func build(t *testing.T, dir string) string {
	t.Helper()
	binary := filepath.Join(dir, "decide.test")
	out, err := exec.Command("go", "test", "-c", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}

// try runs the tests with one change on. A test that doesn't end has noticed it.
func try(t *testing.T, binary string, id int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, binary, "-test.failfast", "-test.short", "-rapid.seed=1", "-rapid.checks=60", "-rapid.shrinktime=1ns", "-rapid.nofailfile")
	c.Env = append(os.Environ(), "MUTANT="+strconv.Itoa(id), "GOMAXPROCS=1")
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	return out.Bytes(), err
}

// survivors tries changes, as many at a time as there are processors, and returns those that no test notices.
func survivors(t *testing.T, binary string, list []mutant) []mutant {
	work := make(chan mutant)
	var mu sync.Mutex
	var out []mutant
	done := 0
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() {
			for m := range work {
				_, err := try(t, binary, m.id)
				mu.Lock()
				if done++; done%100 == 0 {
					fmt.Fprintf(os.Stderr, "%d of %d\n", done, len(list))
				}
				if err == nil {
					out = append(out, m)
				}
				mu.Unlock()
			}
		})
	}
	for _, m := range list {
		work <- m
	}
	close(work)
	wg.Wait()
	slices.SortFunc(out, func(a, b mutant) int { return a.id - b.id })
	return out
}
