package history

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastresort/netblock"
)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, Options{Write: true, Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func imported(t *testing.T, s *Store, lines ...string) Imported {
	t.Helper()
	n, err := s.Import(t.Context(), "records.jsonl", strings.NewReader(strings.Join(lines, "\n")+"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func exported(t *testing.T, s *Store) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.Export(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestImportAndExportRoundTripByteForByte(t *testing.T) {
	spaced := `{"type": "traffic", "source": "192.0.2.9", "first": "2026-10-02T08:00:00+02:00", "last": "2026-10-02T17:00:00+02:00", "service": "web"}`
	lines := append(append([]string{}, texts...), spaced)
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	if got := imported(t, s, lines...); got != (Imported{New: len(lines)}) {
		t.Errorf("imported %+v", got)
	}
	if d := cmp.Diff(strings.Join(lines, "\n")+"\n", exported(t, s)); d != "" {
		t.Errorf("export differs from what was imported (-want +got):\n%s", d)
	}
}

func TestTheSameRecordTwiceIsOnce(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	imported(t, s, texts...)
	before := exported(t, s)
	other := strings.Replace(texts[4], "09:00:00+02:00", "07:00:00Z", 1) // the same moment
	if got := imported(t, s, append(texts, other)...); got != (Imported{Known: len(texts) + 1}) {
		t.Errorf("imported %+v", got)
	}
	if after := exported(t, s); after != before {
		t.Errorf("the store changed:\n%s", cmp.Diff(before, after))
	}
}

func TestOneBadRecordImportsNothingAndNamesItsLine(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	imported(t, s, texts[0])
	var lines strings.Builder
	for i := range 10000 {
		if i == 7341 {
			lines.WriteString(`{"type":"traffic","source":"192.0.2"}` + "\n")
			continue
		}
		fmt.Fprintf(&lines, `{"type":"contact","address":"a%d@example.net"}`+"\n", i)
	}
	_, err := s.Import(t.Context(), "records.jsonl", strings.NewReader(lines.String()), nil)
	var at *LineError
	if !errors.As(err, &at) || at.Line != 7342 || at.File != "records.jsonl" {
		t.Errorf("error %v; want one at records.jsonl:7342", err)
	}
	if got, want := exported(t, s), texts[0]+"\n"; got != want {
		t.Errorf("the store holds %s", got)
	}
}

func TestALineWithoutEndIsRefusedNotRead(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	_, err := s.Import(t.Context(), "f", strings.NewReader(texts[1]+"\n"+strings.Repeat("x", 2*longestLine)), nil)
	if err == nil || !strings.Contains(err.Error(), "f:2: line of over") {
		t.Error(err)
	}
}

func TestLoadKnowsNothingNewer(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	imported(t, s, texts...)
	for _, c := range []struct {
		at                           string
		reports, sightings, netblock int
	}{
		{"2025-01-01T00:00:00Z", 0, 0, 1}, // what has no at is known always
		{"2026-01-01T00:00:00Z", 0, 0, 2},
		{"2026-10-01T06:59:59Z", 0, 0, 2},
		{"2026-10-01T07:00:00Z", 1, 0, 2}, // the moment itself
		{"2026-10-02T05:39:59Z", 1, 0, 2}, // a sighting is known from its last
		{"2026-10-02T05:40:00Z", 1, 1, 2},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		h, err := s.Load(t.Context(), at, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(h.Reports) != c.reports || len(h.Sightings) != c.sightings || len(h.Netblocks) != c.netblock {
			t.Errorf("at %s: %d reports, %d sightings, %d netblocks", c.at, len(h.Reports), len(h.Sightings), len(h.Netblocks))
		}
	}
}

func TestLoadGivesBackEveryRecord(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	imported(t, s, texts...)
	var want History
	for _, text := range texts {
		r, err := Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		want.Append(r)
	}
	got, err := s.Load(t.Context(), time.Time{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, byValue); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func sightingAt(first, last string, count int64) Sighting {
	r, err := Decode([]byte(fmt.Sprintf(`{"type":"sighting","source":"192.0.2.1","first":%q,"last":%q,"kind":"ssh-login","count":%d,"proof":"two-way","reporter":"local"}`, first, last, count)))
	if err != nil {
		panic(err)
	}
	return r.(Sighting)
}

func TestObservingGrowsOneRowADay(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	positions := func(offset int) map[string]json.RawMessage {
		return map[string]json.RawMessage{"/var/log/auth.log": json.RawMessage(fmt.Sprintf(`{"offset":%d}`, offset))}
	}
	for i, x := range []Sighting{
		sightingAt("2026-10-02T01:00:00Z", "2026-10-02T02:00:00Z", 5),
		sightingAt("2026-10-02T03:00:00Z", "2026-10-02T04:00:00Z", 7),
		sightingAt("2026-10-03T00:00:00Z", "2026-10-03T00:00:01Z", 2),
	} {
		if err := s.Observe(t.Context(), []Sighting{x}, nil, positions(i)); err != nil {
			t.Fatal(err)
		}
	}
	want := string(Encode(sightingAt("2026-10-02T01:00:00Z", "2026-10-02T04:00:00Z", 12))) + "\n" +
		string(Encode(sightingAt("2026-10-03T00:00:00Z", "2026-10-03T00:00:01Z", 2))) + "\n"
	if d := cmp.Diff(want, exported(t, s)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	got, err := s.Positions(t.Context())
	if d := cmp.Diff(positions(2), got); err != nil || d != "" {
		t.Errorf("positions: %v\n%s", err, d)
	}
}

func TestObservingLeavesImportedRowsAlone(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	old := sightingAt("2026-10-02T01:00:00Z", "2026-10-02T02:00:00Z", 5)
	imported(t, s, string(Encode(old)))
	if err := s.Observe(t.Context(), []Sighting{sightingAt("2026-10-02T03:00:00Z", "2026-10-02T03:00:00Z", 1)}, nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := exported(t, s); !strings.Contains(got, string(Encode(old))) || strings.Count(got, "\n") != 2 {
		t.Errorf("the store holds\n%s", got)
	}
}

func TestWhatIsAddedStandsOnlyIfWhatGoesWithItDoes(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	r, err := Decode([]byte(texts[9]))
	if err != nil {
		t.Fatal(err)
	}
	refused := errors.New("the kernel refused")
	if err := s.Add(t.Context(), []Record{r}, func() error { return refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	if got := exported(t, s); got != "" {
		t.Errorf("the store holds %s", got)
	}
	if err := s.Add(t.Context(), []Record{r}, func() error { return nil }); err != nil {
		t.Error(err)
	}
	if got := exported(t, s); got != texts[9]+"\n" {
		t.Errorf("the store holds %s", got)
	}
}

func TestASecondWriterIsToldWhoWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := open(t, path)
	_, err := Open(t.Context(), path, Options{Write: true, Command: "apply"})
	var told *StoreError
	if !errors.As(err, &told) || !strings.Contains(err.Error(), fmt.Sprintf("lastresort test, process %d", os.Getpid())) {
		t.Errorf("second writer: %v", err)
	}
	if r, err := Open(t.Context(), path, Options{}); err != nil {
		t.Errorf("a reader beside a writer: %v", err)
	} else {
		r.Close()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestAReaderOfNoStoreSeesAnEmptyHistoryAndMakesNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "history.db")
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h, err := s.Load(t.Context(), time.Time{}, nil)
	if d := cmp.Diff(History{}, h); err != nil || d != "" {
		t.Error(err, d)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading made %s", filepath.Dir(path))
	}
}

func TestNobodyElseMayReadTheStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := open(t, path)
	imported(t, s, texts...)
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
}

func TestAnOlderStoreIsBroughtUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := &Store{path: path, file: path}
	if err := s.create("test"); err != nil {
		t.Fatal(err)
	}
	if err := s.connect(); err != nil {
		t.Fatal(err)
	}
	if err := s.migrate(t.Context(), 0, 1); err != nil {
		t.Fatal(err)
	}
	imported(t, s, texts...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), "is of version 1 and is to become 2") {
		t.Errorf("reading an older store: %v", err)
	}
	s = open(t, path)
	if err := s.Observe(t.Context(), nil, nil, map[string]json.RawMessage{"x": json.RawMessage("{}")}); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(strings.Join(texts, "\n")+"\n", exported(t, s)); d != "" {
		t.Errorf("records were lost (-want +got):\n%s", d)
	}
}

func TestAStoreThatIsNoneOfOursIsLeftAlone(t *testing.T) {
	for _, c := range []struct {
		name, want string
		make       func(t *testing.T, path string)
	}{
		{"text", "is damaged", func(t *testing.T, path string) { write(t, path, strings.Repeat("no database ", 100)) }},
		{"another program's", "another program", func(t *testing.T, path string) { pragma(t, path, "PRAGMA application_id = 7; CREATE TABLE x (y)") }},
		{"newer", "is of version 9; this program knows up to 2", func(t *testing.T, path string) {
			pragma(t, path, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = 9", applicationID))
		}},
	} {
		for _, write := range []bool{true, false} {
			path := filepath.Join(t.TempDir(), "history.db")
			c.make(t, path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Open(t.Context(), path, Options{Write: write})
			var told *StoreError
			if !errors.As(err, &told) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v; want one with %q", c.name, err, c.want)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
				t.Errorf("%s: the file was changed", c.name)
			}
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func pragma(t *testing.T, path, text string) {
	t.Helper()
	s := &Store{path: path, file: path}
	if err := s.connect(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.db.Exec(text); err != nil {
		t.Fatal(err)
	}
}

func TestDamageInTheMiddleIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := open(t, path)
	imported(t, s, texts...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(data); i++ {
		data[i] ^= 0x5a
	}
	write(t, path, string(data))
	r, err := Open(t.Context(), path, Options{})
	if err == nil {
		defer r.Close()
		err = r.Check(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("damage: %v", err)
	}
}

func TestAFullDiskLosesNothingThatStood(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	imported(t, s, texts...)
	if _, err := s.db.Exec("PRAGMA max_page_count = 40"); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&lines, `{"type":"contact","address":"a%d@example.net"}`+"\n", i)
	}
	_, err := s.Import(t.Context(), "f", strings.NewReader(lines.String()), nil)
	if err == nil || !strings.Contains(err.Error(), "the disk is full") || strings.Contains(err.Error(), "rollback") {
		t.Errorf("error %v", err)
	}
	if d := cmp.Diff(strings.Join(texts, "\n")+"\n", exported(t, s)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestAnInterruptedImportStoresNothing(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	ctx, cancel := context.WithCancel(t.Context())
	var lines strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&lines, `{"type":"contact","address":"a%d@example.net"}`+"\n", i)
	}
	_, err := s.Import(ctx, "f", strings.NewReader(lines.String()), func(int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got := exported(t, s); got != "" {
		t.Errorf("the store holds %.80s…", got)
	}
}

func TestProposalComesBackAsItWas(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	if _, ok, err := s.Proposal(t.Context()); ok || err != nil {
		t.Errorf("a new store has a proposal: %v, %v", ok, err)
	}
	block, err := Decode([]byte(texts[10]))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Proposal{
		{At: time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC), Records: []Proposed{{block, nil}, {block, []string{"new_ranges"}}},
			Guards: []Guarded{{"new_ranges", 612, 500, []string{"203.0.113.0/24"}}}, Exempt: []Exemption{{"192.0.2.1", "hold", "customer"}}},
		{At: time.Date(2026, 11, 3, 2, 0, 0, 0, time.UTC)},
	} {
		if err := s.Propose(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		got, ok, err := s.Proposal(t.Context())
		if d := cmp.Diff(want, got, byValue); !ok || err != nil || d != "" {
			t.Errorf("%v, %v (-want +got):\n%s", ok, err, d)
		}
	}
}

func TestLoadRowsLeavesOutOtherSources(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	line := func(source, kind string) string {
		if kind == "traffic" {
			return fmt.Sprintf(`{"type":"traffic","source":%q,"first":"2026-10-02T01:00:00Z","last":"2026-10-02T02:00:00Z","service":"web","count":1}`, source)
		}
		return fmt.Sprintf(`{"type":"sighting","source":%q,"first":"2026-10-02T01:00:00Z","last":"2026-10-02T02:00:00Z","kind":"ssh-login","count":1,"proof":"two-way","reporter":"local"}`, source)
	}
	var lines []string
	for _, a := range []string{"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0", "2001:db8:0:1::", "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:2::", "cb00:7100::"} {
		lines = append(lines, line(a, "sighting"), line(a, "traffic"))
	}
	imported(t, s, append(lines, texts...)...)
	for _, c := range []struct {
		within string
		want   []string
	}{
		{"203.0.113.0/24", []string{"203.0.113.0", "203.0.113.255"}},
		{"2001:db8:0:1::/64", []string{"2001:db8:0:1::", "2001:db8:0:1:ffff:ffff:ffff:ffff"}},
		{"198.18.0.0/15", nil},
	} {
		r, err := netblock.ParseRange(c.within)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 10, 2, 2, 0, 0, 0, time.UTC)
		records, err := s.LoadRecords(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		h, err := s.LoadRows(t.Context(), records, at, r, nil)
		if err != nil {
			t.Fatal(err)
		}
		var seen, traffic []string
		for _, x := range h.Sightings {
			seen = append(seen, x.Source.String())
		}
		for _, x := range h.Traffic {
			traffic = append(traffic, x.Source.String())
		}
		if !slices.Equal(seen, c.want) || !slices.Equal(traffic, c.want) || len(h.Netblocks) == 0 {
			t.Errorf("%s: sightings of %v, traffic of %v, %d netblocks; expected %v", c.within, seen, traffic, len(h.Netblocks), c.want)
		}
	}
}

// TestABlockIsFoundByTheNumberOfItsRecord asks for each block that was streamed, and for records that are none.
func TestABlockIsFoundByTheNumberOfItsRecord(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	imported(t, s, texts...)
	blocks := map[int64]Block{}
	if _, err := s.StreamBlocks(t.Context(), time.Time{}, func(b *Block, record int64, _, _ int) { blocks[record] = *b }); err != nil {
		t.Fatal(err)
	}
	if len(blocks) == 0 {
		t.Error("no block was streamed")
	}
	var damaged *StoreError
	for record := range int64(len(texts) + 2) {
		got, err := s.Block(t.Context(), record)
		want, isBlock := blocks[record]
		switch {
		case isBlock && (err != nil || got != want):
			t.Errorf("record %d is %v, %v; expected %v", record, got, err, want)
		case !isBlock && !errors.As(err, &damaged):
			t.Errorf("record %d, which is no block, is %v, %v; expected that the store is damaged", record, got, err)
		}
	}
}

func TestTheLastApplyComesBackAsItWas(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	if _, ok, err := s.Applied(t.Context()); ok || err != nil {
		t.Errorf("a new store has an apply: %v, %v", ok, err)
	}
	block, err := Decode([]byte(texts[10]))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
	for _, want := range []Applied{{At: at, ConfirmBy: at.Add(time.Minute), Records: []Record{block}}, {At: at, Records: []Record{block}}} {
		if err := s.Settle(t.Context(), nil, &want, nil); err != nil {
			t.Fatal(err)
		}
		got, ok, err := s.Applied(t.Context())
		if d := cmp.Diff(want, got, byValue); !ok || err != nil || d != "" {
			t.Errorf("%v, %v (-want +got):\n%s", ok, err, d)
		}
		if got.Waits() == want.ConfirmBy.IsZero() {
			t.Errorf("waits: %v", got.Waits())
		}
	}
	refused := errors.New("the kernel said no")
	if err := s.Settle(t.Context(), []Record{block}, nil, func() error { return refused }); !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
	if _, ok, err := s.Applied(t.Context()); !ok || err != nil || exported(t, s) != "" {
		t.Errorf("what was refused left a trace: %v %v %q", ok, err, exported(t, s))
	}
	if err := s.Settle(t.Context(), []Record{block}, nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.Applied(t.Context()); ok || err != nil {
		t.Errorf("the apply is still there: %v", err)
	}
}
