package evidence

import (
	"bytes"
	"slices"
	"strings"
)

// suricataLine takes a line of Suricata's EVE log apart, a JSON object whose time comes first.
func suricataLine(c *clock, line []byte, e *entry) bool {
	rest, ok := after(line, `{"timestamp":"`)
	i := bytes.IndexByte(rest, '"')
	if !ok || i < 0 || !bytes.Contains(line, []byte(`"event_type":"`)) {
		return false
	}
	at, ok := c.any(rest[:i])
	e.fields = fields{at: at, message: line}
	return ok
}

// suricata reads alerts. Their signatures are guesses, so only some categories count, and none as more than an attempt.
type suricata struct{ addresses addresses }

func newSuricata(Options) reader { return &suricata{addresses{}} }

// alertKinds are the categories of alerts that tell of an attack by whoever opened the connection, and what it is a sighting
// of once the source has answered; the names are those of Suricata's classification.config.
var alertKinds = map[string]string{
	"Web Application Attack":                                      "web-exploit",
	"Attempted Administrator Privilege Gain":                      "web-exploit",
	"Attempted User Privilege Gain":                               "web-exploit",
	"access to a potentially vulnerable web application":          "web-probe",
	"Attempted Information Leak":                                  "ids-alert",
	"Attempted Denial of Service":                                 "ids-alert",
	"Detection of a Network Scan":                                 "ids-alert",
	"Misc Attack":                                                 "ids-alert",
	"Executable code was detected":                                "ids-alert",
	"Executable Code was Detected":                                "ids-alert",
	"Attempt to login by a default username and password":         "ids-alert",
	"An attempted login using a suspicious username was detected": "ids-alert",
}

// listed are what signatures begin with that only say that an address is on somebody's list.
var listed = []string{"ET CINS ", "ET CIARMY ", "ET COMPROMISED ", "ET DROP ", "ET TOR ", "ET 3CORESec ", "ET RBN ", "ET BOTCC "}

// read implements reader. A packet of TCP alone may be forged; that its source has answered shows where Suricata has seen
// what it said in the protocol that is spoken there.
func (s *suricata) read(e *entry) bool {
	if !bytes.Contains(e.message, []byte(`"event_type":"alert"`)) {
		return false
	}
	o, ok := e.members(e.message)
	if !ok || o.text("event_type") != "alert" {
		return false
	}
	alert := e.inner(o, "alert")
	signature := alert.text("signature")
	kind, bad := alertKinds[alert.text("category")]
	if strings.HasPrefix(signature, "ET SCAN ") && !bad { // whose categories say little
		kind, bad = "ids-alert", true
	}
	bad = bad && !slices.ContainsFunc(listed, func(lead string) bool { return strings.HasPrefix(signature, lead) })
	source, ok := o.address(s.addresses, "src_ip")
	if !ok || !bad || source.IsLoopback() || !fromClient(o, e.inner(o, "flow")) {
		return false
	}
	switch app := o.text("app_proto"); {
	case o.text("proto") != "TCP" || app == "" || app == "failed":
		return scanned(e, source, true)
	case app != "http" && app != "http2":
		kind = "ids-alert"
	}
	return hostile(e, kind, source, true)
}

// fromClient tells whether the packet that an alert is about came from the side that opened the connection. Versions before 7
// don't say so: then it did where nobody has answered yet, or where it went to the lower port, as servers have.
func fromClient(o, flow object) bool {
	if direction := o.text("direction"); direction != "" {
		return direction == "to_server"
	}
	if client := flow.text("src_ip"); client != "" {
		return client == o.text("src_ip")
	}
	from, to := o.number("src_port"), o.number("dest_port")
	return flow.number("pkts_toclient") == 0 || to >= 0 && to < from
}
