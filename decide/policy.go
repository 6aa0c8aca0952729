// Package decide judges cases: from the history of reports, sightings and honest traffic and from the operator's policy
// to a verdict with its reasons. It is pure: no files, no clock, no network; the moment of judging is an argument.
package decide

import (
	slashpath "path"

	"lastresort/decide/history"
	"lastresort/decide/web"
	"lastresort/netblock"
)

// Policy is what the operator decides by. Its keys, units and defaults are explained in policy.toml.
type Policy struct {
	Protect struct {
		Ranges []netblock.Range `toml:"ranges"`
	} `toml:"protect"`
	Offender struct {
		Events  int64    `toml:"events"`
		Group   int      `toml:"group"`
		Guessed int64    `toml:"guessed"`
		Window  Duration `toml:"window"`
	} `toml:"offender"`
	Hostile struct {
		Days   int      `toml:"days"`
		Recent Duration `toml:"recent"`
	} `toml:"hostile"`
	Path struct {
		Required            bool     `toml:"required"`
		FollowUp            Duration `toml:"follow_up"`
		Upstream            Duration `toml:"upstream"`
		Cert                Duration `toml:"cert"`
		HelpingGrace        Duration `toml:"helping_grace"`
		Stale               Duration `toml:"stale"`
		DistrustedCountries []string `toml:"distrusted_countries"`
		FreeMail            []string `toml:"free_mail"`
	} `toml:"path"`
	Answer struct {
		Keep Duration `toml:"keep"`
	} `toml:"answer"`
	Danger struct {
		HalfLife  Duration           `toml:"half_life"`
		Immediate float64            `toml:"immediate"`
		Severity  map[string]float64 `toml:"severity"`
	} `toml:"danger"`
	Loss struct {
		HalfLife Duration           `toml:"half_life"`
		Quiet    Duration           `toml:"quiet"`
		Account  []string           `toml:"account"`
		Value    map[string]float64 `toml:"value"`
	} `toml:"loss"`
	Range struct {
		Shape      netblock.Shape `toml:"shape"`
		Widest4    int            `toml:"widest4"`
		Widest6    int            `toml:"widest6"`
		GrowMin    int            `toml:"grow_min"`
		Neighbours float64        `toml:"neighbours"`
		Prior      float64        `toml:"prior"`
		EntryCost  float64        `toml:"entry_cost"`
		Budget     int            `toml:"budget"`
		Private    bool           `toml:"private"`
	} `toml:"range"`
	Length struct {
		Ladder     []Duration `toml:"ladder"`
		Unasked    Duration   `toml:"unasked"`
		Relapse    Duration   `toml:"relapse"`
		DynamicCap Duration   `toml:"dynamic_cap"`
		CGNATCap   Duration   `toml:"cgnat_cap"`
	} `toml:"length"`
	Permanent struct {
		Relapses int      `toml:"relapses"`
		Span     Duration `toml:"span"`
		Rejudge  Duration `toml:"rejudge"`
	} `toml:"permanent"`
	Guard struct {
		Lost         float64 `toml:"lost"`
		NewRanges    int     `toml:"new_ranges"`
		NewAddresses float64 `toml:"new_addresses"`
	} `toml:"guard"`
	Firewall struct {
		Table  string   `toml:"table"`
		Mode   string   `toml:"mode"`
		Jitter Duration `toml:"jitter"`
	} `toml:"firewall"`
	Log []Log      `toml:"log"`
	Web []web.Rule `toml:"web"` // tried before those built in
}

// Log names a log to observe, or many by a path such as /var/log/sites/*.log, as path.Match reads it. An empty format is recognised
// by content; a pattern reads a form of one's own, whose lines are sightings of a kind, honest traffic on a service, or by their
// outcome either.
type Log struct {
	Path    string        `toml:"path"`
	Format  string        `toml:"format"`
	Pattern string        `toml:"pattern"`
	Kind    string        `toml:"kind"`
	Service string        `toml:"service"`
	Proof   history.Proof `toml:"proof"` // of its sightings; one-way where it isn't given
}

// Means tells whether a file is the log, or one of the many.
func (l Log) Means(file string) bool {
	ok, err := slashpath.Match(slashpath.Clean(l.Path), slashpath.Clean(file))
	return l.Path == file || ok && err == nil
}

// severity returns the weight of one event of a kind; a kind that the policy doesn't name weighs 1.
func (p *Policy) severity(kind string) float64 {
	if s, ok := p.Danger.Severity[kind]; ok {
		return s
	}
	return 1
}

// value returns the worth of one honest event of a service; a service that the policy doesn't name is worth 1.
func (p *Policy) value(service string) float64 {
	if v, ok := p.Loss.Value[service]; ok {
		return v
	}
	return 1
}
