package whois

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"lastresort/netblock"
)

// rdapNetwork is what of an RDAP answer is read (RFC 9083, and the cidr0 extension).
type rdapNetwork struct {
	Class    string `json:"objectClassName"`
	Handle   string `json:"handle"`
	Start    string `json:"startAddress"`
	End      string `json:"endAddress"`
	Name     string `json:"name"`
	Type     string `json:"type"`
	Country  string `json:"country"`
	Parent   string `json:"parentHandle"`
	Port43   string `json:"port43"`
	Error    int    `json:"errorCode"`
	Title    string `json:"title"`
	Prefixes []struct {
		V4     string `json:"v4prefix"`
		V6     string `json:"v6prefix"`
		Length int    `json:"length"`
	} `json:"cidr0_cidrs"`
	Entities []rdapEntity `json:"entities"`
}

type rdapEntity struct {
	Roles    []string          `json:"roles"`
	VCard    []json.RawMessage `json:"vcardArray"`
	Entities []rdapEntity      `json:"entities"`
}

// readRDAP reads RDAP answers one after the other.
func readRDAP(name string, in io.Reader, r *Result) error {
	return readJSON(in, func(i int, x *rdapNetwork) { r.rdap(i, x) }, name+": RDAP answer", `an "ip network" object`)
}

// readJSON reads objects that stand one after the other, by themselves or in lists, and gives each with its number.
// what says in an error what they are, and expected what they should be.
func readJSON[T any](in io.Reader, each func(i int, x *T), what, expected string) error {
	limit := &io.LimitedReader{R: in, N: mostJSON}
	d := json.NewDecoder(limit)
	n := 0 // of what was given to each
	for i := 1; ; i++ {
		var raw json.RawMessage
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return nil
		}
		list := make([]T, 1)
		if err == nil && raw[0] == '[' {
			err = json.Unmarshal(raw, &list)
		} else if err == nil {
			err = json.Unmarshal(raw, &list[0])
		}
		if err != nil {
			var wrong *json.UnmarshalTypeError
			if errors.As(err, &wrong) {
				err = fmt.Errorf("%q is of type %s", wrong.Field, wrong.Value)
			}
			if limit.N <= 0 {
				err = fmt.Errorf("more than %d bytes in one file", mostJSON)
			}
			return fmt.Errorf("%s %d: %w; expected %s", what, i, err, expected)
		}
		for k := range list {
			n++
			each(n, &list[k])
		}
	}
}

// rdap adds what one answer says.
func (r *Result) rdap(answer int, x *rdapNetwork) {
	if x.Error != 0 {
		r.skip(0, "RDAP answer %d is an error: %d %s", answer, x.Error, x.Title)
		return
	}
	ranges, err := x.ranges()
	if err != nil {
		r.skip(0, "RDAP answer %d, %q: %v", answer, x.Handle, err)
		return
	}
	e := Entry{Country: x.Country, Source: registryOf(x.Port43), Holder: x.Name}
	if who := named(x.Entities, "registrant"); who != "" {
		e.Holder = who
	}
	e.Abuse = abuseOf(x.Entities)
	e.Parent, _ = parseRange(x.Parent)
	for _, where := range ranges {
		e.Range = where
		r.add(0, e)
	}
}

// ranges returns where a network lies.
func (x *rdapNetwork) ranges() ([]netblock.Range, error) {
	var out []netblock.Range
	for _, c := range x.Prefixes {
		p, err := parseRange(fmt.Sprintf("%s%s/%d", c.V4, c.V6, c.Length))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	if len(out) > 0 {
		return out, nil
	}
	first, _, _ := strings.Cut(x.Start, "/")
	last, _, _ := strings.Cut(x.End, "/")
	if first == "" || last == "" {
		return nil, errors.New("it has no startAddress and endAddress")
	}
	where, err := parseRange(first + " - " + last)
	if err != nil {
		return nil, err
	}
	// LACNIC used to answer with the address that was asked for.
	if where.First() == where.Last() && !strings.ContainsAny(x.Handle, "/-") {
		return nil, fmt.Errorf("it says nothing but the address itself, %s", where)
	}
	return []netblock.Range{where}, nil
}

func registryOf(port43 string) string {
	for _, name := range []string{"ripe", "arin", "apnic", "lacnic", "afrinic"} {
		if strings.Contains(strings.ToLower(port43), name) {
			return strings.ToUpper(name)
		}
	}
	return port43
}

// named returns the full name of the first entity in a role that has one.
func named(list []rdapEntity, role string) string {
	for _, e := range list {
		if slices.Contains(e.Roles, role) {
			if name := e.card("fn"); len(name) > 0 {
				return name[0]
			}
		}
	}
	return ""
}

// abuseOf returns the mail address of the first entity in the role abuse, the outer ones first.
func abuseOf(list []rdapEntity) string {
	for _, e := range list {
		if slices.Contains(e.Roles, "abuse") {
			for _, who := range e.card("email") {
				if mailAddress(who) != "" {
					return mailAddress(who)
				}
			}
		}
	}
	for _, e := range list {
		if who := abuseOf(e.Entities); who != "" {
			return who
		}
	}
	return ""
}

// card returns the values of a property of an entity's jCard (RFC 7095): ["vcard", [[name, {}, type, value], …]].
func (e *rdapEntity) card(name string) []string {
	if len(e.VCard) < 2 {
		return nil
	}
	var properties [][]json.RawMessage
	if json.Unmarshal(e.VCard[1], &properties) != nil {
		return nil
	}
	var out []string
	for _, p := range properties {
		var key, value string
		if len(p) >= 4 && json.Unmarshal(p[0], &key) == nil && key == name && json.Unmarshal(p[3], &value) == nil && value != "" {
			out = append(out, value)
		}
	}
	return out
}
