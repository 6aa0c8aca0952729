package history

import (
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"
)

// manySightings is n sightings as text, 100 days of each source.
func manySightings(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		day := time.Date(2026, 7, 1, 1, 0, 0, 0, time.UTC)
		for i := range n {
			source, at := i/100, day.AddDate(0, 0, i%100)
			_, err := fmt.Fprintf(w, `{"type":"sighting","source":"198.%d.%d.%d","first":%q,"last":%q,"kind":"ssh-login","count":%d,"proof":"two-way","reporter":"local"}`+"\n",
				18+source>>16&1, source>>8&255, source&255, at.Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339), i%50+1)
			if err != nil {
				return
			}
		}
		w.Close() // a pipe's close never fails
	}()
	return r
}

// BenchmarkImport imports a million sightings from text in one transaction.
func BenchmarkImport(b *testing.B) {
	const n = 1_000_000
	for b.Loop() {
		s, err := Open(b.Context(), filepath.Join(b.TempDir(), "history.db"), Options{Write: true})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Import(b.Context(), "f", manySightings(n), nil); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkLoad reads a million sightings out of the store.
func BenchmarkLoad(b *testing.B) {
	const n = 1_000_000
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "history.db"), Options{Write: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Import(b.Context(), "f", manySightings(n), nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if h, err := s.Load(b.Context(), time.Time{}, nil); err != nil || len(h.Sightings) != n {
			b.Fatal(len(h.Sightings), err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
