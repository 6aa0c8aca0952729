package whois

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// read reads a text as import does, and prints its entries.
func read(t testing.TB, text string) (Format, []string, []string, error) {
	t.Helper()
	in, format, err := Open(strings.NewReader(text))
	if err != nil {
		return "", nil, nil, err
	}
	if format == Records {
		return format, nil, nil, nil
	}
	got, err := Read("some/file", in, format)
	var out, skipped []string
	for _, e := range got.Entries {
		line := fmt.Sprintf("%s|%s|%s|%s|%s", e.Range, e.Holder+e.Label, e.Country, e.Abuse, e.Source)
		if e.Parent.IsValid() {
			line += "|in " + e.Parent.String()
		}
		out = append(out, line)
	}
	for _, s := range got.Skipped {
		skipped = append(skipped, fmt.Sprintf("%d %s", s.Line, s.Why))
	}
	return format, out, skipped, err
}

const ripeAnswer = `% This is the Example Database query service.
% Information related to '203.0.113.0 - 203.0.113.255'

% Abuse contact for '203.0.113.0 - 203.0.113.255' is 'abuse@hosting.example'

inetnum:        203.0.113.0 - 203.0.113.255
netname:        EXAMPLE-NET
descr:          Example Hosting
                of Example Street
country:        NL # Filtered
org:            ORG-EX1-RIPE
admin-c:        AB1-RIPE
status:         ASSIGNED PA
source:         RIPE # Filtered

organisation:   ORG-EX1-RIPE
org-name:       Example Hosting B.V.
abuse-c:        AR1-RIPE
source:         RIPE

route:          203.0.113.0/24
origin:         AS64496
source:         RIPE
`

func TestText(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
		skipped    []string
	}{
		{name: "the server names the contact", text: ripeAnswer, want: []string{"203.0.113.0/24|Example Hosting B.V.|NL|abuse@hosting.example|RIPE"}},
		{name: "the organisation's role", text: strings.ReplaceAll(ripeAnswer, "% Abuse contact", "% Nothing") + "\nrole: Abuse\nnic-hdl: AR1-RIPE\nabuse-mailbox: desk@hosting.example\n",
			want: []string{"203.0.113.0/24|Example Hosting B.V.|NL|desk@hosting.example|RIPE"}},
		{name: "an incident response team, in another object", text: "inetnum: 198.51.100.0 - 198.51.100.255\nnetname: EX\ncountry: KR\nmnt-irt: IRT-EX-KR\nsource: APNIC\n\nirt: IRT-EX-KR\nabuse-mailbox: irt@example.kr\n",
			want: []string{"198.51.100.0/24|EX|KR|irt@example.kr|APNIC"}},
		{name: "in passing", text: "inet6num: 2001:0db8:7::/48\ndescr: Tests\nremarks: Abuse reports to <abuse@six.example>.\nremarks: abuse@six.example, please\nsource: AFRINIC\nparent: 2001:db8::/32\n",
			want: []string{"2001:db8:7::/48|Tests||abuse@six.example|AFRINIC|in 2001:db8::/32"}},
		{name: "several in passing are none", text: "inetnum: 198.51.100.0/25\nremarks: abuse: a@example.net\nremarks: abuse: b@example.net\n",
			want: []string{"198.51.100.0/25||||"}},
		{name: "LACNIC", text: "% lacnic\n\ninetnum:     203.0.113/25\nstatus:      assigned\nowner:       Universidad de Ejemplo\nownerid:     CO-UDEJ-LACNIC\ncountry:     CO\nabuse-c:     JDM7\n\nnic-hdl:     JDM7\nperson:      J. D.\ne-mail:      redes@EJEMPLO.example\n",
			want: []string{"203.0.113.0/25|Universidad de Ejemplo|CO|redes@EJEMPLO.example|LACNIC"}},
		{name: "ARIN, a customer in its provider", text: "#\n# ARIN WHOIS data\n#\n\nNetRange:       198.51.100.0 - 198.51.100.255\nCIDR:           198.51.100.0/24\nNetName:        BIG\nNetType:        Direct Allocation\n\nOrgName:        Big Carrier\nCountry:        US\n\nOrgAbuseHandle: X1-ARIN\nOrgAbuseEmail:  abuse@carrier.example\n\n" +
			"NetRange:       198.51.100.64 - 198.51.100.95\nNetName:        SMALL\nNetType:        Reassigned\n\nCustName:       Small Shop\nCountry:        CA\n",
			want: []string{"198.51.100.0/24|Big Carrier|US|abuse@carrier.example|ARIN", "198.51.100.64/27|Small Shop|CA||ARIN"}},
		{name: "no prefix", text: "inetnum: 203.0.113.10 - 203.0.113.12\nnetname: X\n", want: []string{"203.0.113.10-203.0.113.12|X|||"}},
		{name: "what nobody holds", text: "inetnum: 0.0.0.0 - 255.255.255.255\nnetname: IANA-BLK\n\ninetnum: 192.0.2.0 - 192.0.2.255\nnetname: NON-RIPE-NCC-MANAGED-ADDRESS-BLOCK\n\nNetRange: 203.0.113.0 - 203.0.113.255\nNetType: Allocated to RIPE NCC\n\ninetnum: 192.0.0.0 - 195.255.255.255\nnetname: WIDE\n\ninetnum: nonsense\n",
			skipped: []string{"1 inetnum 0.0.0.0/0: not this registry's", "4 inetnum 192.0.2.0/24: not this registry's", "7 netrange 203.0.113.0/24: another registry's",
				"10 192.0.0.0/6 is no holder's; expected nothing wider than a /8", `13 inetnum "nonsense": "nonsense" is no address; expected one like 203.0.113.7 or 2001:db8::7`}},
		{name: "answers one after the other, and what a client prints between", text: ripeAnswer + "[Querying whois.example.net]\n[whois.example.net]\ninetnum: 192.0.2.0 - 192.0.2.127\nnetname: TWO\n",
			want: []string{"203.0.113.0/24|Example Hosting B.V.|NL|abuse@hosting.example|RIPE", "192.0.2.0/25|TWO|||"}},
		{name: "contacts that are none", text: "inetnum: 192.0.2.0/24\nabuse-mailbox: abuse@example.net\x00; rm\nremarks: abuse \"x y\"@example.net\n", want: []string{"192.0.2.0/24||||"}},
		{name: "CRLF", text: strings.ReplaceAll("inetnum: 192.0.2.0/24\nnetname: X\nabuse-mailbox: a@example.net\n", "\n", "\r\n"), want: []string{"192.0.2.0/24|X||a@example.net|"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			format, got, skipped, err := read(t, c.text)
			if err != nil || format != Text {
				t.Fatalf("%s, %v; expected %s", format, err, Text)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.skipped, skipped); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRDAP(t *testing.T) {
	const card = `"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","%s"],["email",{"type":"work"},"text","%s"]]]`
	nested := fmt.Sprintf(`{"objectClassName":"ip network","handle":"NET-1","startAddress":"203.0.113.0","endAddress":"203.0.113.255","name":"EX","country":"NL","parentHandle":"203.0.0.0 - 203.255.255.255","port43":"whois.ripe.net",
		"entities":[{"roles":["registrant"],`+card+`,"entities":[{"roles":["technical","abuse"],`+card+`}]}]}`, "Example Hosting", "office@hosting.example", "Abuse", "abuse@hosting.example")
	cidr0 := `{"objectClassName":"ip network","startAddress":"198.51.100.9","endAddress":"198.51.100.9","handle":"198.51.100.9","name":"L","port43":"whois.lacnic.net","cidr0_cidrs":[{"v4prefix":"198.51.100.0","length":25},{"v4prefix":"198.51.100.128","length":26}]}`
	for _, c := range []struct {
		name, text string
		want       []string
		skipped    []string
		err        string
	}{
		{name: "nested entities", text: nested, want: []string{"203.0.113.0/24|Example Hosting|NL|abuse@hosting.example|RIPE|in 203.0.0.0/8"}},
		{name: "prefixes, one answer after the other", text: cidr0 + "\n" + nested, want: []string{"198.51.100.0/25|L|||LACNIC", "198.51.100.128/26|L|||LACNIC", "203.0.113.0/24|Example Hosting|NL|abuse@hosting.example|RIPE|in 203.0.0.0/8"}},
		{name: "a list, zeros in front", text: `[{"objectClassName":"ip network","startAddress":"198.051.100.000","endAddress":"198.051.100.255","port43":"whois.arin.net"}]`, want: []string{"198.51.100.0/24||||ARIN"}},
		{name: "IPv6 in full, with lengths", text: `{"startAddress":"2001:DB8:0:0:0:0:0:0/128","endAddress":"2001:DB8:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF/128","handle":"2001:db8::/32"}`, want: []string{"2001:db8::/32||||"}},
		{name: "nothing but the address", text: `{"startAddress":"198.51.100.9","endAddress":"198.51.100.9","handle":"198.51.100.9"}`, skipped: []string{`0 RDAP answer 1, "198.51.100.9": it says nothing but the address itself, 198.51.100.9`}},
		{name: "an error, and no network", text: `{"rdapConformance":["x"],"errorCode":404,"title":"not found"}{"objectClassName":"autnum"}`, skipped: []string{"0 RDAP answer 1 is an error: 404 not found", `0 RDAP answer 2, "": it has no startAddress and endAddress`}},
		{name: "cut off", text: nested[:200], err: `some/file: RDAP answer 1: unexpected EOF; expected an "ip network" object`},
		{name: "another type", text: `{"objectClassName":"ip network","startAddress":7}`, err: `some/file: RDAP answer 1: "startAddress" is of type number; expected an "ip network" object`},
		{name: "a card of nonsense", text: `{"startAddress":"203.0.113.0","endAddress":"203.0.113.255","entities":[{"roles":["abuse"],"vcardArray":["vcard",7]},{"roles":["abuse"],"vcardArray":[]},{"roles":["abuse"],"vcardArray":["vcard",[[1],["email",{},"text",["x"]]]]}]}`, want: []string{"203.0.113.0/24||||"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			format, got, skipped, err := read(t, c.text)
			if format != RDAP || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
				t.Fatalf("%s, %v; expected %s, %q", format, err, RDAP, c.err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.skipped, skipped); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDelegated(t *testing.T) {
	const head = "2|example|20261102|5|19830101|20261102|+0100\nexample|*|ipv4|*|3|summary\n# a remark\n"
	format, got, _, err := read(t, head+"example|NL|ipv4|203.0.113.0|256|20100712|allocated|a1\nexample|DE|ipv4|198.51.100.0|768|20100712|assigned|a2\nexample|NL|asn|64496|1|20100712|allocated|a1\n"+
		"example||ipv4|192.0.2.0|256||reserved|\nexample|SE|ipv6|2001:db8::|33|20100712|allocated|a3\nexample|ZZ|ipv4|192.0.2.0|128|20100712|allocated|\n")
	want := []string{"203.0.113.0/24||NL||example", "198.51.100.0-198.51.102.255||DE||example", "2001:db8::/33||SE||example", "192.0.2.0/25||||example"}
	if diff := cmp.Diff(want, got); format != Delegated || err != nil || diff != "" {
		t.Errorf("%s %v %s", format, err, diff)
	}
	for _, c := range []struct{ line, want string }{
		{"example|NL|ipv4|203.0.113.0", `some/file:4: "example|NL|ipv4|203.0.113.0" has 4 fields; expected registry|country|type|first|count|date|status`},
		{"example|NL|ipv4|203.0.113.0|0|20100712|allocated", `some/file:4: "0" is no ipv4 delegation of "203.0.113.0"; expected a first address and a count, for ipv6 a length`},
		{"example|NL|ipv4|255.255.255.0|512|20100712|allocated", `some/file:4: "512" is no ipv4 delegation of "255.255.255.0"; expected a first address and a count, for ipv6 a length`},
		{"example|NL|ipv6|2001:db8::|129|20100712|allocated", `some/file:4: "129" is no ipv6 delegation of "2001:db8::"; expected a first address and a count, for ipv6 a length`},
		{"example|NL|ipv6|2001:db8::1|32|20100712|allocated", `some/file:4: "2001:db8::1/32" has host bits set; expected 2001:db8::/32`},
	} {
		if _, _, _, err := read(t, head+c.line+"\n"); err == nil || err.Error() != c.want {
			t.Errorf("%v, not %s", err, c.want)
		}
	}
}

func TestLists(t *testing.T) {
	for _, c := range []struct {
		name, text string
		format     Format
		want       []string
		skipped    []string
	}{
		{name: "plain", text: "# crawlers\n203.0.113.0/28\n\n203.0.113.77\n", format: List, want: []string{"203.0.113.0/28||||file", "203.0.113.77||||file"}},
		{name: "CSV with a header", text: "name,cidr\n\"Crawler, large\",203.0.113.0/28\n", format: List, want: []string{"203.0.113.0/28|Crawler, large|||file"}},
		{name: "countries", text: "cidr,cc\n203.0.113.0/24,NL\n198.51.100.3/24,DE\n::ffff:192.0.2.1,DE\n2001:db8::/32,SE\n", format: List, want: []string{"203.0.113.0/24||NL||file", "2001:db8::/32||SE||file"},
			skipped: []string{`3 "198.51.100.3/24" has host bits set; expected 198.51.100.0/24`, `4 "::ffff:192.0.2.1" is an IPv4 address in IPv6 clothing; expected 192.0.2.1`}},
		{name: "prefixes by service", text: `{"syncToken":"1","prefixes":[{"ip_prefix":"203.0.113.0/25","region":"eu-1","service":"COMPUTE"}],"ipv6_prefixes":[{"ipv6_prefix":"2001:db8::/40","service":"COMPUTE"}]}`, format: CloudJSON,
			want: []string{"2001:db8::/40|COMPUTE|||file", "203.0.113.0/25|COMPUTE|||file"}},
		{name: "tags", text: `{"values":[{"name":"Storage.North","properties":{"addressPrefixes":["198.51.100.0/26","2001:db8:1::/48"]}}]}`, format: CloudJSON,
			want: []string{"198.51.100.0/26|Storage.North|||file", "2001:db8:1::/48|Storage.North|||file"}},
		{name: "an array, and host bits", text: `["203.0.113.0/28", "203.0.113.9/28", "not a range", 7, null, {"x": "192.0.2.1"}]`, format: CloudJSON,
			want: []string{"203.0.113.0/28||||file", "192.0.2.1||||file"}, skipped: []string{`0 "203.0.113.9/28" has host bits set; expected 203.0.113.0/28`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			format, got, skipped, err := read(t, c.text)
			if err != nil || format != c.format {
				t.Fatalf("%s, %v; expected %s", format, err, c.format)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.skipped, skipped); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, c := range []struct{ text, want string }{
		{"hello world\n", `some/file:1: "hello" is no address; expected one like 203.0.113.7 or 2001:db8::7`},
		{`{"prefixes":[]}`, `some/file: no range in it; expected texts such as "203.0.113.0/24"`},
		{`{"prefixes":[`, `some/file: unexpected EOF; expected JSON with ranges in it`},
	} {
		if _, _, _, err := read(t, c.text); err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, not %s", c.text, err, c.want)
		}
	}
}

func TestXARF(t *testing.T) {
	text := `{"xarf_version":"4.2.0","timestamp":"2026-11-01T09:21:23Z","reporter":{"org":"CERT","domain":"cert.example"},"source_identifier":"192.0.2.155","category":"connection","type":"login-attack"}
{"Version":"3","ReporterInfo":{"ReporterOrg":"Example  Org"},"Report":{"ReportType":"Spam","Date":"2026-11-01T11:21:10+02:00","SourceIp":"2001:db8::7"}}
{"Version":"3.0.0","ReporterInfo":{"ReporterOrgDomain":"other.example"},"Report":{"ReportType":"botnet","Date":"2026-11-01T11:21:10Z","Source":{"IP":"198.51.100.25"}}}
{"xarf_version":"4.2.0","timestamp":"2026-11-01T09:21:23Z","reporter":{"domain":"cert.example"},"source_identifier":"www.example.org","category":"content","type":"phishing"}
{"xarf_version":"4.2.0","timestamp":"yesterday","reporter":{"domain":"cert.example"},"source_identifier":"192.0.2.156"}
{"xarf_version":"4.2.0","timestamp":"2026-11-01T09:21:23Z","reporter":{"domain":"local/web1"},"source_identifier":"192.0.2.157","type":"spam"}
[{"xarf_version":"4.0.0","timestamp":"2026-11-01T09:21:23Z","reporter":{"domain":"cert.example"},"source_identifier":"192.0.2.158","category":"messaging","type":"spam"}]
`
	in, format, err := Open(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read("f", in, format)
	if format != XARF || err != nil {
		t.Fatalf("%s, %v", format, err)
	}
	var out, skipped []string
	for _, e := range got.Entries {
		out = append(out, fmt.Sprintf("%s %s %s %s", e.Range, e.Kind, e.At.Format("15:04:05"), e.Reporter))
	}
	for _, s := range got.Skipped {
		skipped = append(skipped, s.Why)
	}
	if diff := cmp.Diff([]string{"192.0.2.155 ssh-login 09:21:23 cert.example", "2001:db8::7 spam 09:21:10 Example Org", "198.51.100.25 scan 11:21:10 other.example", "192.0.2.158 spam 09:21:23 cert.example"}, out); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{`report 4: "www.example.org" is no address; expected one like 203.0.113.7 or 2001:db8::7`, `report 5: "yesterday" is no time; expected RFC 3339`,
		`report 6: "local/web1" is nobody who reports; expected a domain or an organisation`}, skipped); diff != "" {
		t.Error(diff)
	}
}

func TestRecordsAreLeftToTheHistory(t *testing.T) {
	for _, text := range []string{"", "\n", `{"type":"netblock","prefix":"203.0.113.0/24"}`, "\ufeff" + ` { "type": "report" }`, `{"nonsense":1}`} {
		if format, _, _, err := read(t, text); format != Records || err != nil {
			t.Errorf("%q is %s, %v", text, format, err)
		}
	}
}

func TestGzip(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte("203.0.113.0/28\n")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, got, _, err := read(t, b.String()); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if _, _, _, err := read(t, "\x1f\x8bnothing"); err == nil {
		t.Error("what only begins like gzip was read")
	}
}

// FuzzRead holds that nothing that is read makes a range that nobody holds, or a contact that is no mail address.
func FuzzRead(f *testing.F) {
	for _, text := range []string{ripeAnswer, "203.0.113.0/28 x\n", `{"startAddress":"203.0.113.0","endAddress":"203.0.113.255"}`, "a|NL|ipv4|203.0.113.0|256|1|allocated|x\n", `{"xarf_version":"4","timestamp":"2026-11-01T09:21:23Z","reporter":{"org":"x"},"source_identifier":"192.0.2.1"}`, `{"prefixes":["203.0.113.0/24"]}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		in, format, err := Open(strings.NewReader(text))
		if err != nil || format == Records {
			return
		}
		got, _ := Read("f", in, format)
		for _, e := range got.Entries {
			if !e.Range.IsValid() || e.Abuse != mailAddress(e.Abuse) || len(e.Country) != 0 && len(e.Country) != 2 {
				t.Fatalf("%+v", e)
			}
			if p, ok := e.Range.Prefix(); ok && p.Bits() < 8 {
				t.Fatalf("%s is wider than anybody holds", e.Range)
			}
			for _, n := range e.Netblocks() {
				if !e.Range.Contains(n.Prefix.Addr()) {
					t.Fatalf("%s isn't in %s", n.Prefix, e.Range)
				}
			}
		}
	})
}
