package history

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// decoders read the keys of each type, in the order in which the text form has them.
var decoders = map[string]func(*fields) Record{
	"netblock": decodeNetblock, "contact": decodeContact, "report": decodeReport, "response": decodeResponse,
	"sighting": decodeSighting, "traffic": decodeTraffic, "answer": decodeAnswer, "hold": decodeHold,
	"block": decodeBlock, "release": decodeRelease, "protect": decodeProtect,
}

// Decode reads the text form of one record. Keys that its type doesn't have, keys that come twice, and values that can't
// be are errors that say what was expected.
func Decode(line []byte) (Record, error) {
	f, err := splitFields(line)
	if err != nil {
		return nil, err
	}
	kind := f.name("type")
	if f.err == nil && f.keys[0] != "type" {
		f.fail("the first key is %q; expected \"type\"", f.keys[0])
	}
	decode, ok := decoders[kind]
	if !ok {
		f.fail("%q is no type of record; expected one of %s", kind, strings.Join(Types(), " "))
		return nil, f.err
	}
	r := decode(&f)
	if err := f.rest(kind); err != nil {
		return nil, err
	}
	return r, nil
}

// Types lists the types of records, sorted.
func Types() []string {
	var names []string
	for name := range decoders {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func decodeNetblock(f *fields) Record {
	return Netblock{Prefix: f.prefix("prefix"), Holder: f.text("holder"), Country: f.text("country"),
		Kind:       oneOf(f, "kind", false, "", ISP, Hosting, Business, Education, Government, Mobile, UnknownNetblock),
		Assignment: oneOf(f, "assignment", false, "", Static, Dynamic, CGNAT, UnknownAssignment),
		Abuse:      f.text("abuse"), Upstream: f.text("upstream"), Cert: f.text("cert"), Whois: f.text("whois"), At: f.timeIf("at")}
}

func decodeContact(f *fields) Record {
	return Contact{Address: f.name("address"),
		Kind:  oneOf(f, "kind", false, "", MajorISP, Company, School, GovernmentContact, Individual, UnknownContact),
		Trust: oneOf(f, "trust", false, "", Trusted, Untrusted, UnknownTrust), Reason: f.text("reason"), At: f.timeIf("at"), By: f.text("by")}
}

func decodeReport(f *fields) Record {
	return Report{ID: f.name("id"), At: f.time("at"), Source: f.addr("source"), To: f.need("to"),
		Role: oneOf(f, "role", false, Contacted, Upstream, Cert, LawEnforcement), Follows: f.text("follows"),
		Message: f.text("message")}
}

func decodeResponse(f *fields) Record {
	return Response{Report: f.name("report"), At: f.time("at"),
		Stance: oneOf(f, "stance", true, Automatic, Asked, Helping, Fixed, Unhelpful, Hostile, Bounced), Note: f.text("note")}
}

func decodeSighting(f *fields) Record {
	s := Sighting{Source: f.addr("source"), First: f.time("first"), Last: f.time("last"), Kind: f.name("kind"), Count: f.count("count"),
		Proof: oneOf(f, "proof", false, OneWay, TwoWay), Reporter: f.name("reporter")}
	if s.Last.Before(s.First) {
		f.fail("\"last\" is before \"first\"; expected it at or after")
	}
	return s
}

func decodeTraffic(f *fields) Record {
	t := Traffic{Source: f.addr("source"), First: f.time("first"), Last: f.time("last"), Service: f.name("service"), Count: f.count("count")}
	if t.Last.Before(t.First) {
		f.fail("\"last\" is before \"first\"; expected it at or after")
	}
	return t
}

func decodeAnswer(f *fields) Record {
	return Answer{Netblock: f.prefix("netblock"), Question: oneOf(f, "question", true, Questions...), Answer: f.name("answer"),
		At: f.time("at"), By: f.text("by"), Note: f.text("note")}
}

func decodeHold(f *fields) Record {
	return Hold{Range: f.rng("range"), Until: f.time("until"), At: f.time("at"), By: f.text("by"), Reason: f.text("reason")}
}

func decodeBlock(f *fields) Record {
	b := Block{Range: f.rng("range"), From: f.time("from"), Until: f.timeIf("until"), Case: f.prefixIf("case"), By: f.text("by"), Reason: f.text("reason")}
	if !b.Until.IsZero() && b.Until.Before(b.From) {
		f.fail("\"until\" is before \"from\"; expected it at or after")
	}
	return b
}

func decodeRelease(f *fields) Record {
	return Release{Range: f.rng("range"), At: f.time("at"), By: f.name("by"), Reason: f.text("reason")}
}

func decodeProtect(f *fields) Record {
	return Protect{Range: f.rng("range"), At: f.time("at"), Until: f.timeIf("until"), By: f.text("by"), Reason: f.text("reason")}
}

// isSound tells a sighting or traffic whose text would be accepted beyond doubt: observing makes many.
func isSound(r Record) bool {
	switch x := r.(type) {
	case Sighting:
		return isSoundRow(x.Source, x.First, x.Last, x.Count) && isSoundName(x.Kind) && isSoundName(x.Reporter) && (x.Proof == OneWay || x.Proof == TwoWay)
	case Traffic:
		return isSoundRow(x.Source, x.First, x.Last, x.Count) && isSoundName(x.Service)
	}
	return false
}

func isSoundRow(source netip.Addr, first, last time.Time, count int64) bool {
	return source.IsValid() && source.Zone() == "" && !source.Is4In6() && count > 0 && count <= mostCount &&
		first.Location() == time.UTC && last.Location() == time.UTC && storable(first) && storable(last) && !last.Before(first)
}

func isSoundName(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '/' && c != '.' {
			return false
		}
	}
	return len(name) > 0 && len(name) <= 64
}

// Check tells whether a record made by hand would be accepted from its text.
func Check(r Record) error {
	if isSound(r) {
		return nil
	}
	if _, err := Decode(Encode(r)); err != nil {
		return fmt.Errorf("%s: %v", r.Type(), err)
	}
	return nil
}
