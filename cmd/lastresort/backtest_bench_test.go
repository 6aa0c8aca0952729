package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

// BenchmarkBacktest replays the 31 nights of a month of a million source-days, and of a tenth of that, beside one review of
// the same store. reviews/month is how many such reviews the month costs.
func BenchmarkBacktest(b *testing.B) {
	now := time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
	env := nowhere(func() time.Time { return now })
	for _, size := range []struct {
		name  string
		cases int
	}{{"100000", 500}, {"1000000", 5000}} {
		policy, store := madeUp(b, size.cases)
		timed := func(expect string, args ...string) time.Duration {
			var out bytes.Buffer
			began := time.Now()
			_ = run(b.Context(), env, nil, &out, io.Discard, append([]string{"--policy", policy, "--store", store}, args...)) // guards hold much of it back
			if !strings.Contains(out.String(), expect) {
				b.Fatal(out.String())
			}
			return time.Since(began)
		}
		b.Run(size.name, func(b *testing.B) {
			var review, month time.Duration
			for b.Loop() {
				review += timed("totals", "review", "--at", now.Format(time.RFC3339))
				month += timed("31 nights", "backtest", "--from", "2026-10-03T02:00:00Z", "--to", "2026-11-03T02:00:00Z")
			}
			b.ReportMetric(month.Seconds()/review.Seconds(), "reviews/month")
		})
	}
}
