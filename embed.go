// Package lastresort holds what the program carries along: its default policy and the bundled night of the demo.
package lastresort

import "embed"

// DefaultPolicy is the text of policy.toml, the only place where defaults stand.
//
//go:embed policy.toml
var DefaultPolicy []byte

// DemoNight is the demo's logs, records and policy, in the folder testdata/demo.
//
//go:embed testdata/demo
var DemoNight embed.FS
