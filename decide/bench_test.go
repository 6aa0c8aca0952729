package decide_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"lastresort/decide"
	"lastresort/decide/history"
)

// month is so many sightings, two a source, in the order in which the store gives them. One source in twenty is an offender.
func month(sightings int) *history.History {
	var h history.History
	for i := range sightings / 2 {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0x01000000+uint32(i)*977)
		for day := range 2 {
			s := history.Sighting{Source: netip.AddrFrom4(a), First: clock("10-20 01:00").AddDate(0, 0, day), Kind: "ssh-login", Count: 1, Proof: history.TwoWay, Reporter: "local"}
			if s.Last = s.First; i%20 == 0 {
				s.Count = 9
			}
			h.Sightings = append(h.Sightings, s)
		}
	}
	return &h
}

func BenchmarkJudge(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		h, p := month(n), policy(b, waived)
		b.Run(fmt.Sprint(n, " sightings"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				decide.Judge(h, p, clock(now))
			}
		})
	}
}

func BenchmarkInForce(b *testing.B) {
	var h history.History
	for i := range 100_000 {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0x01000000+uint32(i)*977)
		h.Blocks = append(h.Blocks, block(netip.AddrFrom4(a).String(), "10-20 02:00", "11-20 02:00"))
	}
	p := policy(b, "")
	b.ReportAllocs()
	for b.Loop() {
		decide.InForce(&h, p, clock(now))
	}
}
