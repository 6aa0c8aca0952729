// Package history holds the records that lastresort judges from, their text form of one JSON object a line, and the store
// that keeps them. Records are facts: they are added to and never changed.
package history

import (
	"net/netip"
	"strings"
	"time"

	"lastresort/netblock"
)

// Record is one fact of the history: one of the record types of this package.
type Record interface {
	// Type is the name that stands under "type" in the record's text form.
	Type() string
	// Known is the moment from which the record is known: its at, from or last. The zero time is always.
	Known() time.Time
}

// Netblock is a registered range with its holder and contacts. At is the moment from which the registration is known; the
// zero time is always.
type Netblock struct {
	Prefix     netip.Prefix
	Holder     string
	Country    string // ISO 3166 code, as registered
	Kind       NetblockKind
	Assignment Assignment
	Abuse      string // mail address of the abuse contact; empty where unknown
	Upstream   string
	Cert       string
	Whois      string // where the registration was read
	At         time.Time
}

// NetblockKind is what sort of holder a netblock has. Empty is unknown.
type NetblockKind string

// The kinds of a netblock.
const (
	ISP             NetblockKind = "isp"
	Hosting         NetblockKind = "hosting"
	Business        NetblockKind = "business"
	Education       NetblockKind = "education"
	Government      NetblockKind = "government"
	Mobile          NetblockKind = "mobile"
	UnknownNetblock NetblockKind = "unknown"
)

// Assignment is how a netblock's addresses are given to customers. Empty is unknown.
type Assignment string

// The assignments.
const (
	Static            Assignment = "static"
	Dynamic           Assignment = "dynamic"
	CGNAT             Assignment = "cgnat"
	UnknownAssignment Assignment = "unknown"
)

// Contact is what the operator says of whoever answers at a mail address. At is the moment from which it is said; the zero
// time is always.
type Contact struct {
	Address string
	Kind    ContactKind
	Trust   Trust // empty: not said
	Reason  string
	At      time.Time
	By      string // who says so
}

// ContactKind is what sort of contact it is. Empty is unknown.
type ContactKind string

// The kinds of a contact.
const (
	MajorISP          ContactKind = "major-isp"
	Company           ContactKind = "company"
	School            ContactKind = "school"
	GovernmentContact ContactKind = "government"
	Individual        ContactKind = "individual"
	UnknownContact    ContactKind = "unknown"
)

// Trust is whether a contact can be trusted with a report.
type Trust string

// The trusts.
const (
	Trusted      Trust = "trusted"
	Untrusted    Trust = "untrusted"
	UnknownTrust Trust = "unknown"
)

// Report is an abuse report that we filed about one source.
type Report struct {
	ID      string
	At      time.Time
	Source  netip.Addr
	To      string // mail address
	Role    Role   // empty in the text is contact, and stands here as Contacted
	Follows string // the id of the report that it follows up; empty for none
	Message string // the Message-ID of the mail that it was; empty where unknown
}

// Role is in what capacity somebody was written to.
type Role string

// The roles.
const (
	Contacted      Role = "contact"
	Upstream       Role = "upstream"
	Cert           Role = "cert"
	LawEnforcement Role = "law-enforcement"
)

// Response is what came back on a report.
type Response struct {
	Report string // the report's id
	At     time.Time
	Stance Stance
	Note   string
}

// Stance is what a response amounts to.
type Stance string

// The stances.
const (
	Automatic Stance = "automatic"
	Asked     Stance = "asked"
	Helping   Stance = "helping"
	Fixed     Stance = "fixed"
	Unhelpful Stance = "unhelpful"
	Hostile   Stance = "hostile"
	Bounced   Stance = "bounced"
)

// Local is the reporter of what we see ourselves; Local/HOST is one of several machines of ours.
const Local = "local"

// IsLocal tells whether a reporter is one of our own machines.
func IsLocal(reporter string) bool {
	return reporter == Local || strings.HasPrefix(reporter, Local+"/")
}

// Sighting is hostile traffic from one source.
type Sighting struct {
	Source      netip.Addr
	First, Last time.Time
	Kind        string // a name of the policy's severity table, such as ssh-login
	Count       int64  // events, at least 1
	Proof       Proof
	Reporter    string // local or local/HOST for our own machines, else another's name
}

// Proof is how sure it is that a sighting's source sent it.
type Proof string

// The proofs. OneWay could be forged; with TwoWay the source must have received our packets.
const (
	OneWay Proof = "one-way"
	TwoWay Proof = "two-way"
)

// Traffic is honest traffic from one source: a login that succeeded, mail accepted, a page served to a person.
type Traffic struct {
	Source      netip.Addr
	First, Last time.Time
	Service     string // such as ssh, imap, smtp, web
	Count       int64  // events, at least 1
}

// Answer is an operator's answer to one of the checklist's questions about a case.
type Answer struct {
	Netblock netip.Prefix // the case's
	Question Question
	Answer   string
	At       time.Time
	By       string
	Note     string
}

// Question is one of the eight of the checklist.
type Question string

// The eight questions, in the order in which they are asked.
const (
	ContactQuestion        Question = "contact"
	OthersQuestion         Question = "others"
	HostileQuestion        Question = "hostile"
	DangerQuestion         Question = "danger"
	LawEnforcementQuestion Question = "law-enforcement"
	LossQuestion           Question = "loss"
	DurationQuestion       Question = "duration"
	RangeQuestion          Question = "range"
)

// Questions lists the eight in their order.
var Questions = []Question{ContactQuestion, OthersQuestion, HostileQuestion, DangerQuestion,
	LawEnforcementQuestion, LossQuestion, DurationQuestion, RangeQuestion}

// Hold is an operator's unblock: Range must not be blocked before Until.
type Hold struct {
	Range  netblock.Range
	Until  time.Time
	At     time.Time
	By     string
	Reason string
}

// Block is a range that is dropped from From to Until, or for good where Until is zero.
type Block struct {
	Range       netblock.Range
	From, Until time.Time
	Case        netip.Prefix // the case for which it was decided; invalid for a block by hand outside one
	By          string
	Reason      string
}

// Release ends what of a block lies in Range.
type Release struct {
	Range  netblock.Range
	At     time.Time
	By     string // expiry, fixed, rejudged, or who did it
	Reason string
}

// The programs' own reasons for a release, where no person did it.
const (
	ByExpiry   = "expiry"
	ByFixed    = "fixed"
	ByRejudged = "rejudged"
)

// Protect is a range that must never be blocked before Until, or ever where Until is zero.
type Protect struct {
	Range  netblock.Range
	At     time.Time
	Until  time.Time
	By     string
	Reason string
}

// Type implements Record.
func (Netblock) Type() string { return "netblock" }

// Type implements Record.
func (Contact) Type() string { return "contact" }

// Type implements Record.
func (Report) Type() string { return "report" }

// Type implements Record.
func (Response) Type() string { return "response" }

// Type implements Record.
func (Sighting) Type() string { return "sighting" }

// Type implements Record.
func (Traffic) Type() string { return "traffic" }

// Type implements Record.
func (Answer) Type() string { return "answer" }

// Type implements Record.
func (Hold) Type() string { return "hold" }

// Type implements Record.
func (Block) Type() string { return "block" }

// Type implements Record.
func (Release) Type() string { return "release" }

// Type implements Record.
func (Protect) Type() string { return "protect" }

// Known implements Record.
func (r Netblock) Known() time.Time { return r.At }

// Known implements Record.
func (r Contact) Known() time.Time { return r.At }

// Known implements Record.
func (r Report) Known() time.Time { return r.At }

// Known implements Record.
func (r Response) Known() time.Time { return r.At }

// Known implements Record.
func (r Sighting) Known() time.Time { return r.Last }

// Known implements Record.
func (r Traffic) Known() time.Time { return r.Last }

// Known implements Record.
func (r Answer) Known() time.Time { return r.At }

// Known implements Record.
func (r Hold) Known() time.Time { return r.At }

// Known implements Record.
func (r Block) Known() time.Time { return r.From }

// Known implements Record.
func (r Release) Known() time.Time { return r.At }

// Known implements Record.
func (r Protect) Known() time.Time { return r.At }

// History is records in the order in which they were recorded, by type.
type History struct {
	Netblocks []Netblock
	Contacts  []Contact
	Reports   []Report
	Responses []Response
	Sightings []Sighting
	Traffic   []Traffic
	Answers   []Answer
	Holds     []Hold
	Blocks    []Block
	Releases  []Release
	Protects  []Protect
}
