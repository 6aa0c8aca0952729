// Package evidence reads logs: bytes in, sightings and traffic out. An attacker writes half of every line, so each reader
// takes the peer's address only from where the logging program itself puts it, and a line that can be read in two ways
// counts for nobody.
package evidence

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/netip"
	"time"

	"lastresort/decide/history"
	"lastresort/decide/web"
)

// Event is what one line of a log shows: hostile traffic of a kind, or honest traffic on a service.
type Event struct {
	Source  netip.Addr
	At      time.Time
	Kind    string // of a sighting; empty for honest traffic
	Service string // of honest traffic
	Proof   history.Proof
	Count   int64
}

// Record returns the event as a record by itself, reported by reporter.
func (e Event) Record(reporter string) history.Record {
	if e.Kind == "" {
		return history.Traffic{Source: e.Source, First: e.At, Last: e.At, Service: e.Service, Count: e.Count}
	}
	return history.Sighting{Source: e.Source, First: e.At, Last: e.At, Kind: e.Kind, Count: e.Count, Proof: e.Proof, Reporter: reporter}
}

// hostile is a two-way event: its source got our answers.
func hostile(e *entry, kind string, source netip.Addr, ok bool) bool {
	return ok && source.IsValid() && e.show(source, kind, "", history.TwoWay, 1)
}

// scanned is a one-way event: its source may be forged.
func scanned(e *entry, source netip.Addr, ok bool) bool {
	return ok && e.show(source, "scan", "", history.OneWay, 1)
}

// honest is honest traffic on a service. What the machine says to itself is none.
func honest(e *entry, service string, source netip.Addr, ok bool) bool {
	return ok && !source.IsLoopback() && e.show(source, "", service, "", 1)
}

// show notes what a line shows, at its time. It is true, for that is what a reader returns then.
func (e *entry) show(source netip.Addr, kind, service string, proof history.Proof, count int64) bool {
	ev := &e.shows // field by field, for the whole would be made elsewhere first
	ev.Source, ev.At, ev.Kind, ev.Service, ev.Proof, ev.Count = source, e.at, kind, service, proof, count
	return true
}

// Options say how a log is read.
type Options struct {
	Format string         // a name of Formats; empty is recognised by content
	At     time.Time      // when it is read: gives the year where a line has none
	Newest time.Time      // what is newer counts for nothing; zero is a day after At
	Zone   *time.Location // of lines that name none
	Web    web.Rules      // of what requests to web servers are attempts at
	// Elsewhere are services that write of logins into a log that is read too: what PAM says of these isn't counted.
	Elsewhere []string
	Own       *Pattern // reads the log by a pattern of the operator's own, instead of a known form
	Line      func(line int64, e Event)
	retold    retold // of one log, for all that are told of the same logins
	// Progress, where there is one, is told now and then how many lines of a file were read.
	Progress func(lines int64)
}

// Summary is what reading a log came to.
type Summary struct {
	Lines   int64
	Hostile int64     // lines that counted as sightings
	Honest  int64     // lines that counted as traffic
	Unknown int64     // lines without the header that their format has
	Example string    // one of these, cut to 100 bytes
	Long    int64     // lines too long to be read
	Future  int64     // lines more than a day newer than the moment of reading
	Last    time.Time // of the newest line, whatever it says; zero where none was understood
	Formats []string  // names of the forms of which there were lines, in the order of Formats
	Lost    bool      // the log was cut, or rotated away further than its old files reach: lines are missing
	Forged  int64     // events that count for nobody, for a client may have written their lines
	OneWay  bool      // what others say stands in the log as it came, so that from there on all that it shows is one-way
}

// A FormatError says that a log isn't in any form that is known.
type FormatError struct {
	Name string
	Line string // one of its lines, cut to 100 bytes
}

// Error implements error.
func (e *FormatError) Error() string {
	return fmt.Sprintf("%q is no log that is known here, a line of it is %q; expected one of syslog, the journal, a web, mail or FTP server, Suricata, Zeek, or a [[log]] of the policy whose format says whose messages these are", e.Name, e.Line)
}

// A DamageError says from where on a log couldn't be read. What stands before counts.
type DamageError struct {
	Name string
	Line int64 // the last whole one; 0 where none was read
	Why  string
}

// Error implements error.
func (e *DamageError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%q can't be read: %s", e.Name, e.Why)
	}
	return fmt.Sprintf("%s:%d: %s behind this line; what stands before was read", e.Name, e.Line, e.Why)
}

// Read reads a whole log, plain or gzipped, and adds what it shows to a tally. An error is a *FormatError, a *DamageError,
// or the context's.
func Read(ctx context.Context, name string, r io.Reader, o Options, t *Tally) (Summary, error) {
	d := newDigest(name, o, t)
	in, _, err := unpack(r)
	if err != nil {
		return d.sum, &DamageError{name, 0, cause(err).Error()}
	}
	_, err = d.all(ctx, in, true)
	return d.sum, err
}

// ReadOn is Read for a stream that goes on where another ended: what the readers knew then is in the position from, and what
// they know now in the one that is returned. Nothing else of a position is used.
func ReadOn(ctx context.Context, name string, r io.Reader, from Position, o Options, t *Tally) (Position, Summary, error) {
	d := newDigest(name, o, t)
	d.resume(from.State)
	_, err := d.all(ctx, bufio.NewReaderSize(r, 2*longestLine), true)
	return Position{Last: latest(from.Last, d.sum.Last), State: d.save()}, d.sum, err
}
