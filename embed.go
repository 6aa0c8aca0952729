// Package lastresort holds what the program carries along: its default policy and the bundled night of the demo.
package lastresort

import _ "embed"

// DefaultPolicy is the text of policy.toml, the only place where defaults stand.
//
//go:embed policy.toml
var DefaultPolicy []byte
