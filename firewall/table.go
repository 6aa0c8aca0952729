package firewall

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

const chainName = "prerouting"

// chain is our only chain. It sits before forwarding and input alike; after conntrack in mode inbound, which asks it for
// the direction, and before it in mode all. Its policy is to accept: a fault of ours must lock nobody out.
func (k Kernel) chain(t *nftables.Table) *nftables.Chain {
	priority, policy := *nftables.ChainPriorityMangle, nftables.ChainPolicyAccept
	if k.cfg.Mode == All {
		priority = *nftables.ChainPriorityRaw
	}
	return &nftables.Chain{Table: t, Name: chainName, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookPrerouting,
		Priority: &priority, Policy: &policy}
}

// rule is one of our rules: what it does in a word, and its expressions.
type rule struct {
	name  string
	exprs []expr.Any
}

// rules are the chain's, in their order: our own interface, neighbour discovery, who must never be blocked, replies to our own connections, and
// then the sets of those that are dropped. A packet that conntrack knows nothing of is no reply.
func (k Kernel) rules() []rule {
	out := []rule{{"lo", []expr.Any{
		&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: interfaceName("lo")},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}}}
	// ARP never comes here, and IPv6's own neighbour discovery mustn't be dropped either: with a range around our router we
	// would be cut off. It doesn't cross routers: what did, or pretends to, has another hop limit and is no exception.
	out = append(out, rule{"neighbour discovery", []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_ICMPV6}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 1},
		&expr.Cmp{Op: expr.CmpOpGte, Register: 1, Data: []byte{133}}, // router solicitation, RFC 4861
		&expr.Cmp{Op: expr.CmpOpLte, Register: 1, Data: []byte{137}}, // redirect
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 7, Len: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{255}}, // hop limit
		&expr.Verdict{Kind: expr.VerdictAccept},
	}})
	for _, kind := range kinds {
		if kind.allow {
			out = append(out, rule{kind.name, kind.lookup(expr.VerdictAccept)})
		}
	}
	if k.cfg.Mode != All {
		out = append(out, rule{"replies", []expr.Any{
			&expr.Ct{Key: expr.CtKeyDIRECTION, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{1}}, // IP_CT_DIR_REPLY
			&expr.Verdict{Kind: expr.VerdictAccept},
		}})
	}
	for _, kind := range kinds {
		if !kind.allow {
			out = append(out, rule{kind.name, kind.lookup(expr.VerdictDrop)})
		}
	}
	return out
}

func interfaceName(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}

// lookup matches packets of the set's family whose source is in it.
func (k setKind) lookup(verdict expr.VerdictKind) []expr.Any {
	family, offset, length := byte(unix.NFPROTO_IPV6), uint32(8), uint32(16)
	if k.is4 {
		family, offset, length = unix.NFPROTO_IPV4, 12, 4
	}
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{family}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
		&expr.Lookup{SourceRegister: 1, SetName: k.name},
		&expr.Verdict{Kind: verdict},
	}
}

// printExprs puts expressions into words, for comparing ours with what the kernel says.
func printExprs(list []expr.Any) string {
	var out []string
	for _, e := range list {
		switch e := e.(type) {
		case *expr.Meta:
			out = append(out, fmt.Sprintf("meta %d", e.Key))
		case *expr.Ct:
			out = append(out, fmt.Sprintf("ct %d", e.Key))
		case *expr.Cmp:
			out = append(out, fmt.Sprintf("cmp %d %x", e.Op, e.Data))
		case *expr.Payload:
			out = append(out, fmt.Sprintf("payload %d %d %d", e.Base, e.Offset, e.Len))
		case *expr.Lookup:
			out = append(out, fmt.Sprintf("lookup %s %v", e.SetName, e.Invert))
		case *expr.Verdict:
			out = append(out, fmt.Sprintf("verdict %d", e.Kind))
		default:
			out = append(out, fmt.Sprintf("%T", e))
		}
	}
	return strings.Join(out, ", ")
}

// build queues the table with its sets, chain and rules, in place of one whose parts are not as they should be.
func (k Kernel) build(c *nftables.Conn, t *nftables.Table, replace bool) error {
	if replace {
		c.DelTable(t)
	}
	c.AddTable(t)
	for _, kind := range kinds {
		if err := c.AddSet(kind.set(t), nil); err != nil {
			return err
		}
	}
	chain := c.AddChain(k.chain(t))
	for _, r := range k.rules() {
		c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: r.exprs})
	}
	return nil
}

// checkSets tells what of the sets isn't as it is built. A table that holds sets of somebody else isn't ours to touch.
func (k Kernel) checkSets(s *State, have []*nftables.Set) error {
	for _, x := range have {
		i := slices.IndexFunc(kinds, func(kind setKind) bool { return kind.name == x.Name })
		if i < 0 {
			return k.foreign("the set " + x.Name)
		}
		want := kinds[i].set(k.table())
		if x.Interval != want.Interval || x.HasTimeout != want.HasTimeout || x.KeyType.Bytes != want.KeyType.Bytes || x.IsMap || x.Size != 0 {
			s.Faults = append(s.Faults, "set "+x.Name+" is of another type")
		}
	}
	for _, kind := range kinds {
		if !slices.ContainsFunc(have, func(x *nftables.Set) bool { return x.Name == kind.name }) {
			s.Faults = append(s.Faults, "set "+kind.name+" is missing")
		}
	}
	return nil
}

func (k Kernel) foreign(what string) error {
	return &Error{Why: fmt.Sprintf("table inet %s holds %s, which isn't ours", k.cfg.Table, what),
		Hint: "name another table in the policy's firewall.table, or delete that one: nft delete table inet " + k.cfg.Table}
}

// checkChain tells what of the chain isn't as it is built.
func (k Kernel) checkChain(c *nftables.Conn, s *State, sets []*nftables.Set) error {
	chains, err := c.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return edge(err, "list chains")
	}
	t, found := k.table(), false
	for _, x := range chains {
		switch {
		case x.Table.Name != t.Name:
		case x.Name != chainName:
			return k.foreign("the chain " + x.Name)
		default:
			found = true
			s.Faults = append(s.Faults, k.hookFaults(x)...)
		}
	}
	if found && len(sets) == 0 {
		return k.foreign("the chain " + chainName + " without our sets")
	}
	if !found {
		if len(sets) > 0 || len(s.Faults) == 0 {
			s.Faults = append(s.Faults, "chain "+chainName+" is missing: nothing is dropped")
		}
		return nil
	}
	have, err := c.GetRules(t, k.chain(t))
	if err != nil {
		return edge(err, "list rules")
	}
	want := k.rules()
	if len(have) != len(want) {
		s.Faults = append(s.Faults, fmt.Sprintf("chain %s has %d rules; expected %d", chainName, len(have), len(want)))
		return nil
	}
	for i, r := range have {
		if got := printExprs(r.Exprs); got != printExprs(want[i].exprs) {
			s.Faults = append(s.Faults, fmt.Sprintf("rule %d of chain %s, %s, is another one", i+1, chainName, want[i].name))
		}
	}
	return nil
}

func (k Kernel) hookFaults(x *nftables.Chain) []string {
	want := k.chain(k.table())
	switch {
	case x.Hooknum == nil || *x.Hooknum != *want.Hooknum:
		return []string{"chain " + chainName + " isn't hooked: nothing is dropped"}
	case x.Priority == nil || *x.Priority != *want.Priority:
		return []string{fmt.Sprintf("chain %s isn't at the priority of mode %s", chainName, k.cfg.Mode)}
	case x.Policy != nil && *x.Policy != nftables.ChainPolicyAccept:
		return []string{"chain " + chainName + " has a policy of its own; expected accept"}
	}
	return nil
}

// Remove deletes our table with all that it holds.
func (k Kernel) Remove() error {
	c, err := nftables.New()
	if err != nil {
		return edge(err, "delete the table")
	}
	c.DelTable(k.table())
	if err := c.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
		return edge(err, "delete the table")
	}
	return nil
}
