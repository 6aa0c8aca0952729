package decide

import "slices"

// Attention is a kind of action that no letter settles: somebody has to look or to decide.
type Attention struct {
	Action string
	What   string // what the person does about it
}

// ForPerson lists what needs a person, the most urgent first.
var ForPerson = []Attention{
	{CheckBreakIn, "a guessed login seems to have succeeded; check that account, then answer hostile=yes or no"},
	{Approve, "for good? approve CASE; or answer duration=temporary CASE"},
	{ReportLawEnforcement, "report it and record that, or answer law-enforcement=no"},
	{GiveAlternateContact, "their mail will be dropped; give them another way to reach us"},
	{AssessContact, "can this contact be trusted? contact set"},
	{FindContact, "nobody known to write to; netblock add, or answer others=no"},
}

// IsLetter tells whether an action is a letter to somebody.
func IsLetter(action string) bool {
	return !slices.ContainsFunc(ForPerson, func(x Attention) bool { return x.Action == action })
}

// Verdicts lists all, in the order in which a review shows them.
var Verdicts = []Verdict{BlockVerdict, Release, Pursue, Watch, Exempt}
