package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lastresort"
	"lastresort/decide"
	"lastresort/decide/history"
)

// othersReports is a public archive of 882,334 reports that others made in two months: ts,ip,category,reporter.
const othersReports = "../../../shared/data/reports_oxl_2024-11_12.csv.gz"

// writeReports turns a tenth of the archive, or with LASTRESORT_LONG all of it, into sightings that others claim to be
// two-way, and returns how many lines it wrote.
func writeReports(t *testing.T, w io.Writer) int {
	t.Helper()
	f, err := os.Open(othersReports)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("it needs the archive of reports: ", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	every := 10
	if os.Getenv("LASTRESORT_LONG") != "" {
		every = 1
	}
	out, n := bufio.NewWriter(w), 0
	lines := bufio.NewScanner(z)
	for i := 0; lines.Scan(); i++ {
		field := strings.Split(lines.Text(), ",")
		if i == 0 || i%every != 0 || len(field) != 4 {
			continue
		}
		if a, err := netip.ParseAddr(field[1]); err != nil || a.Is4In6() {
			continue
		}
		n++
		fmt.Fprintf(out, `{"type":"sighting","source":%q,"first":%q,"last":%q,"kind":"ssh-login","count":9,"proof":"two-way","reporter":%q}`+"\n",
			field[1], field[0], field[0], "oxl/"+field[3])
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestOthersReportsBlockNobody imports what others reported, as many as there are: alone it makes no case, and beside
// sightings of our own it is shown as context and changes neither verdict nor ranges.
func TestOthersReportsBlockNobody(t *testing.T) {
	dir := t.TempDir()
	records, err := os.Create(filepath.Join(dir, "reports.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	written := writeReports(t, records)
	if _, err := records.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	defer records.Close()
	s, err := history.Open(t.Context(), filepath.Join(dir, "history.db"), history.Options{Write: true, Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	n, err := s.Import(t.Context(), "reports.jsonl", records, nil)
	if err != nil || n.New+n.Known != written || written < 80_000 {
		t.Fatalf("%+v of %d, %v; expected all of at least 80000", n, written, err)
	}
	policy, err := decide.ParsePolicy(lastresort.DefaultPolicy, "p.toml", []byte("[offender]\nwindow = \"90d\"\n[path]\nrequired = false\n"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	h, err := s.Load(t.Context(), now, nil)
	if err != nil {
		t.Fatal(err)
	}
	alone := decide.Judge(&h, &policy, now)
	if len(alone.Cases) != 0 || alone.Totals.Offenders != 0 || alone.Totals.Others != int64(9*n.New) {
		t.Errorf("%d cases, %d offenders, %d events by others; expected none, none and %d", len(alone.Cases), alone.Totals.Offenders, alone.Totals.Others, 9*n.New)
	}

	// Our own evidence against the address that others report most.
	counts := map[netip.Addr]int{}
	for _, x := range h.Sightings {
		if x.Source.Is4() {
			counts[x.Source]++
		}
	}
	var worst netip.Addr
	for a, c := range counts {
		if c > counts[worst] || c == counts[worst] && a.Less(worst) {
			worst = a
		}
	}
	var own history.History
	for _, day := range []int{-3, -1} {
		at := now.AddDate(0, 0, day)
		own.Append(history.Sighting{Source: worst, First: at, Last: at, Kind: "ssh-login", Count: 9, Proof: history.TwoWay, Reporter: "local"})
	}
	ours := decide.Judge(&own, &policy, now)
	both := h
	both.Sightings = append(slices.Clip(h.Sightings), own.Sightings...)
	beside := decide.Judge(&both, &policy, now)
	if len(ours.Cases) != 1 || len(beside.Cases) != 1 {
		t.Fatalf("%d cases of ours, %d beside others' reports; expected one and the same", len(ours.Cases), len(beside.Cases))
	}
	a, b := ours.Cases[0], beside.Cases[0]
	if a.Verdict != decide.BlockVerdict || b.Verdict != a.Verdict || b.Rule != a.Rule || !slices.Equal(a.Ranges, b.Ranges) || a.Danger != b.Danger {
		t.Errorf("%s %s %v of danger %v; beside others' reports %s %s %v %v", a.Verdict, a.Rule, a.Ranges, a.Danger, b.Verdict, b.Rule, b.Ranges, b.Danger)
	}
	if b.Context.Others < int64(9*counts[worst]) {
		t.Errorf("%d events by others as context; expected at least %d", b.Context.Others, 9*counts[worst])
	}
}
