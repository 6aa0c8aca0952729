package firewall

import (
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestFaultLostAnswers loses answers of the kernel, in the long mode at random, as it does itself where a socket's buffer is too small: the
// answer is gone and the next read is ENOBUFS. What Apply says of the kernel is true then, and the next one heals.
func TestFaultLostAnswers(t *testing.T) {
	seed, rounds, long := uint64(time.Now().UnixNano()), 40, os.Getenv("LASTRESORT_LONG") == "1"
	if text := os.Getenv("LASTRESORT_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	if long {
		rounds = 1000
	}
	t.Logf("LASTRESORT_SEED=%d repeats it", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	k := fresh(t, Inbound)
	a, b := forGood(t, "192.0.2.7", "192.0.2.16/28", "2001:db8::/64"), forGood(t, "192.0.2.8", "192.0.2.16-192.0.2.40", "2001:db8::7")
	apply(t, k, a)
	t.Cleanup(func() { recvfrom = unix.Recvfrom })
	counts := map[string]int{}
	for i := range rounds {
		old, next := a, b
		if i%2 == 1 {
			old, next = b, a
		}
		lose, many, seen := i/4*3, i/2%2 == 1, 0 // every third one, by itself and with all behind it
		if long {
			lose, many = random.IntN(40), random.IntN(3) == 0
		}
		recvfrom = func(fd int, p []byte, flags int) (int, unix.Sockaddr, error) {
			n, from, err := unix.Recvfrom(fd, p, flags)
			if err == nil {
				if seen++; seen == lose+1 || many && seen > lose {
					return 0, nil, unix.ENOBUFS
				}
			}
			return n, from, err
		}
		_, err := k.Apply(t.Context(), next, nil, time.Now)
		lost := seen > lose
		recvfrom = unix.Recvfrom
		is := func(wants WantList) bool {
			left, err := k.cfg.Diff(held(t, k), wants, nil, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return left.Empty()
		}
		isOld, isNew := is(old), is(next)
		var e *Error
		switch {
		case isOld == isNew:
			t.Fatalf("answer %d lost: neither the old state nor the new: %v", lose+1, rangesOf(held(t, k)))
		case err == nil && !isNew:
			t.Fatalf("answer %d lost: it ended well, and nothing changed", lose+1)
		case err != nil && !lost:
			t.Fatal(err)
		case err == nil && lost:
			counts["done all the same"]++
		case err == nil:
			counts["no answer lost"]++
		case !errors.As(err, &e):
			t.Fatalf("answer %d lost: %v", lose+1, err)
		case e.Unknown:
			counts["told that nobody knows"]++
		case e.Changed != isNew:
			t.Fatalf("answer %d lost: %v; in truth the kernel changed: %v", lose+1, err, isNew)
		case isNew:
			counts["told, and the kernel changed"]++
		default:
			counts["told, and the kernel is as it was"]++
		}
		apply(t, k, next)
	}
	t.Logf("%d rounds: %v", rounds, counts)
	if counts["told, and the kernel is as it was"] == 0 || counts["told, and the kernel changed"] == 0 {
		t.Error("too few answers were lost")
	}
}
