package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"

	"lastresort"
	"lastresort/decide"
	"lastresort/decide/web"
)

func (a *app) policyCommand() *cobra.Command {
	c := &cobra.Command{Use: "policy", Short: "what the operator decides by"}
	c.AddCommand(a.policyCheckCommand(), a.policyWebCommand())
	return needsSubcommand(c)
}

func (a *app) policyCheckCommand() *cobra.Command {
	return a.prints(&cobra.Command{
		Use:   "check",
		Short: "check the policy and show every key in force",
		Long: "Checks the policy: every unknown key, wrong unit or overlapping range is an error with its line. Shows every key in\n" +
			"force as a policy has it, and beside those that the policy changes what the default is.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			p, err := a.policy()
			if err != nil {
				return err
			}
			if err := a.checkLogs(&p); err != nil {
				return err
			}
			if a.json {
				return a.printJSON(policyKeys(p))
			}
			defaults, err := decide.ParsePolicy(lastresort.DefaultPolicy, "policy.toml", nil)
			if err != nil {
				return err
			}
			return a.printPolicy(p, defaults)
		},
	})
}

func (a *app) policyWebCommand() *cobra.Command {
	return a.prints(&cobra.Command{
		Use:   "web",
		Short: "show the rules for requests to web servers that are built in",
		Long: "Shows the built-in rules that tell what a request to a web server is an attempt at, in the form that a policy's own\n" +
			"[[web]] have, which are tried before them.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				rules := map[string]any{}
				if _, err := toml.Decode(web.Builtin, &rules); err != nil {
					panic(err) // it is part of the program
				}
				return a.printJSON(rules)
			}
			_, err := fmt.Fprint(a.stdout, web.Builtin)
			return err
		},
	})
}

// policyKeys is a policy as its TOML has it, for JSON: the same names and texts.
func policyKeys(p decide.Policy) map[string]any {
	out := map[string]any{}
	if _, err := toml.Decode(policyText(p), &out); err != nil {
		panic(err) // what the library wrote, it reads
	}
	return out
}

func policyText(p decide.Policy) string {
	var b bytes.Buffer
	e := toml.NewEncoder(&b)
	e.Indent = ""
	if err := e.Encode(p); err != nil {
		panic(err) // every type of a policy has a text form
	}
	return b.String()
}

func (a *app) printPolicy(p, defaults decide.Policy) error {
	was := map[string]string{}
	eachKey(policyText(defaults), func(table, key, value string) { was[table+key] = value })
	out := a.page()
	last := ""
	eachKey(policyText(p), func(table, key, value string) {
		if table != last {
			if last != "" {
				out.line("")
			}
			out.line("%s", table)
			last = table
		}
		switch old, ok := was[table+key]; {
		case !ok && !strings.HasPrefix(table, "[["):
			out.line("%-40s # not in the defaults", key+" = "+value)
		case ok && old != value:
			out.line("%-40s # default %s", key+" = "+value, old)
		default:
			out.line("%s = %s", key, value)
		}
	})
	return nil
}

// eachKey calls do for every key of a TOML text with one key a line.
func eachKey(text string, do func(table, key, value string)) {
	table := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			table = line
		} else if key, value, ok := strings.Cut(line, " = "); ok {
			do(table, key, value)
		}
	}
}
