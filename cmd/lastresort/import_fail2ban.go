package main

import (
	"context"
	"fmt"

	"lastresort/decide/evidence"
	"lastresort/decide/fail2ban"
	"lastresort/decide/history"
	"lastresort/decide/whois"
	"lastresort/netblock"
)

// importFail2ban imports the bans in fail2ban's database: each as the failures that led to it.
func (a *app) importFail2ban(ctx context.Context, s *history.Store, name string, f importFlags) error {
	switch {
	case name == "-":
		return usage("a database can't be read from standard input; expected its file")
	case f.as != "" && f.as != own && f.as != reported:
		return usage("%s holds what fail2ban saw; expected --as own, --as reported, or no --as", name)
	}
	got := whois.Result{Format: "fail2ban"}
	err := fail2ban.Read(ctx, name, func(b fail2ban.Ban) {
		kind, proof, counts := evidence.JailKind(b.Jail)
		if !counts {
			return // it watches the other jails, whose bans stand beside
		}
		got.Entries = append(got.Entries, whois.Entry{Range: netblock.Single(b.Source), At: b.At, Kind: kind, Count: b.Failures, Proof: proof, Own: true, Reporter: "fail2ban"})
	}, func(why string) { got.Skipped = append(got.Skipped, whois.Skip{Why: why}) })
	if err != nil {
		return fmt.Errorf("%q can't be read: %w", name, err)
	}
	if f.as != own && f.reporter != "" {
		for i := range got.Entries {
			got.Entries[i].Reporter = f.reporter
		}
	}
	return a.importSightings(ctx, s, name, &got, f)
}
