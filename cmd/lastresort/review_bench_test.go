package main

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lastresort/decide/history"
)

// madeUp writes a store with a number of cases: each a netblock of twenty sources seen on ten days, with four reports. They
// lie in 10.0.0.0/8, for the documentation ranges hold too few addresses; the policy beside it opens that.
func madeUp(b *testing.B, cases int) (policy, store string) {
	b.Helper()
	dir := b.TempDir()
	policy, store = filepath.Join(dir, "policy.toml"), filepath.Join(dir, "history.db")
	if err := os.WriteFile(policy, []byte("[range]\nprivate = true\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	base := time.Date(2026, 10, 4, 1, 0, 0, 0, time.UTC)
	r, w := io.Pipe()
	go func() {
		var text bytes.Buffer
		put := func(r history.Record) { text.Write(append(history.Encode(r), '\n')) }
		for c := range cases {
			at := func(k int) netip.Addr {
				x := c*64 + k
				return netip.AddrFrom4([4]byte{10, byte(x >> 16), byte(x >> 8), byte(x)})
			}
			host := fmt.Sprintf("h%d.example", c)
			put(history.Netblock{Prefix: netip.PrefixFrom(at(0), 26), Holder: host, Kind: history.Hosting, Assignment: history.Static, Abuse: "abuse@" + host, Upstream: "noc@" + host, Cert: "cert@" + host})
			for i, role := range []history.Role{history.Contacted, history.Contacted, history.Upstream, history.Cert} {
				x := history.Report{ID: fmt.Sprintf("R%d-%d", c, i), At: base.AddDate(0, 0, i*7-3), Source: at(1), To: "abuse@" + host, Role: role}
				if i == 1 {
					x.Follows = fmt.Sprintf("R%d-0", c)
				}
				put(x)
			}
			for k := 1; k <= 20; k++ {
				for d := range 10 {
					first := base.AddDate(0, 0, (d*3+k)%29)
					put(history.Sighting{Source: at(k), First: first, Last: first.Add(4 * time.Hour), Kind: "ssh-login", Count: int64(1 + (k+d)%5), Proof: history.TwoWay, Reporter: "local"})
				}
			}
			if _, err := w.Write(text.Bytes()); err != nil {
				return // the import gave up, and says why
			}
			text.Reset()
		}
		_ = w.Close()
	}()
	s, err := history.Open(b.Context(), store, history.Options{Write: true, Command: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.Import(b.Context(), "made up", r, nil); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return policy, store
}

// BenchmarkReview is a review from the store to its text, beside no more than reading the same rows out of it: of a million
// source-days in 5,000 cases with 20,000 reports, and of a tenth of that.
func BenchmarkReview(b *testing.B) {
	at := time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
	for _, cases := range []int{500, 5000} {
		policy, store := madeUp(b, cases)
		b.Run(fmt.Sprintf("read/%d", cases*200), func(b *testing.B) {
			for b.Loop() {
				s, err := history.Open(b.Context(), store, history.Options{})
				if err != nil {
					b.Fatal(err)
				}
				if h, err := s.Load(b.Context(), at, nil); err != nil || len(h.Sightings) != cases*200 {
					b.Fatal(err, len(h.Sightings))
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("review/%d", cases*200), func(b *testing.B) {
			env := nowhere(func() time.Time { return at })
			for b.Loop() {
				var out bytes.Buffer
				_ = run(b.Context(), env, nil, &out, io.Discard, []string{"--policy", policy, "--store", store, "review", "--at", at.Format(time.RFC3339)}) // guards hold much of it back
				if !strings.Contains(out.String(), "totals") {
					b.Fatal(out.String())
				}
			}
		})
	}
}
