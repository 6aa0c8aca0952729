package firewall

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

const chainName = "prerouting"

// chain is the first of our chains, and the one that is hooked. It sits before forwarding and input alike; after conntrack in
// mode inbound, which asks it for the direction, and before it in mode all. Its policy is to accept: a fault of ours must lock
// nobody out.
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

// rules are the chains' of a layout, each in their order. A packet comes into the first, which leaves our own interface
// alone and hands on by family, so that nobody's packet is asked about the other family's sets.
func (k Kernel) rules(l layout) map[string][]rule {
	first := []rule{{"lo", []expr.Any{
		&expr.Meta{Key: expr.MetaKeyIIF, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binary.NativeEndian.AppendUint32(nil, loopback)},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}}}
	out := map[string][]rule{}
	for _, f := range protocols {
		first = append(first, rule{f.chain, append(f.match(), &expr.Verdict{Kind: expr.VerdictGoto, Chain: f.chain})})
		out[f.chain] = k.familyRules(f, l)
	}
	for _, kind := range l.kinds() {
		if kind.part.IsValid() {
			out[kind.name] = []rule{{kind.name, kind.lookup(expr.VerdictDrop)}}
		}
	}
	out[chainName] = first
	return out
}

// protocol is what of the table differs between IPv4 and IPv6 beside the sets.
type protocol struct {
	chain  string
	proto  byte
	is4    bool
	offset uint32 // of the source in the header
	length uint32 // of an address, in bytes
}

// protocols are in the order in which their sets come; familyOf is a family's place in there.
var protocols = []protocol{{"ipv4", unix.NFPROTO_IPV4, true, 12, 4}, {"ipv6", unix.NFPROTO_IPV6, false, 8, 16}}

func familyOf(is4 bool) int {
	if is4 {
		return 0
	}
	return 1
}

// familyRules are a family's: neighbour discovery, who must never be blocked, replies to our own connections, and then the
// sets of those that are dropped: ranges in parts through the map that leads to a chain for each. A packet that conntrack
// knows nothing of is no reply.
func (k Kernel) familyRules(f protocol, l layout) (out []rule) {
	if !f.is4 {
		// ARP never comes here, and IPv6's own neighbour discovery mustn't be dropped either: with a range around our router we
		// would be cut off. It doesn't cross routers: what did, or pretends to, has another hop limit and is no exception.
		out = append(out, rule{"neighbour discovery", append(f.match(),
			&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_ICMPV6}},
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 1},
			&expr.Cmp{Op: expr.CmpOpGte, Register: 1, Data: []byte{133}}, // router solicitation, RFC 4861
			&expr.Cmp{Op: expr.CmpOpLte, Register: 1, Data: []byte{137}}, // redirect
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 7, Len: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{255}}, // hop limit
			&expr.Verdict{Kind: expr.VerdictAccept},
		)})
	}
	for _, kind := range single {
		if kind.is4 == f.is4 {
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
	for _, kind := range l.spread() {
		switch {
		case kind.is4 != f.is4:
		case len(l.parts[kind.name]) == 0:
			out = append(out, rule{kind.name, kind.lookup(expr.VerdictDrop)})
		default:
			out = append(out, rule{kind.mapName(), append(f.source(), &expr.Lookup{SourceRegister: 1, IsDestRegSet: true, SetName: kind.mapName()})})
		}
	}
	return out
}

// match matches packets of the family.
func (f protocol) match() []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{f.proto}}}
}

// source loads a packet's source. No packet of the other family comes to a rule with it, but by the family alone nft knows what
// is loaded: without it nft -f wouldn't take what nft list prints.
func (f protocol) source() []expr.Any {
	return append(f.match(), &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: f.offset, Len: f.length})
}

// lookup matches packets whose source is in the set.
func (k setKind) lookup(verdict expr.VerdictKind) []expr.Any {
	f := protocols[familyOf(k.is4)]
	out := f.source()
	if !k.interval() && k.bits < width(k.is4) {
		mask := make([]byte, f.length)
		for i := range k.bits {
			mask[i/8] |= 0x80 >> (i % 8)
		}
		out = append(out, &expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: f.length, Mask: mask, Xor: make([]byte, f.length)})
	}
	return append(out, &expr.Lookup{SourceRegister: 1, SetName: k.name}, &expr.Verdict{Kind: verdict})
}

// loopback is the number of lo, in every network namespace: LOOPBACK_IFINDEX of Linux's net_namespace.h.
const loopback = 1

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
		case *expr.Bitwise:
			out = append(out, fmt.Sprintf("bitwise %x %x", e.Mask, e.Xor))
		case *expr.Lookup:
			out = append(out, fmt.Sprintf("lookup %s %v %v", e.SetName, e.Invert, e.IsDestRegSet))
		case *expr.Verdict:
			out = append(out, fmt.Sprintf("verdict %d %s", e.Kind, e.Chain))
		default:
			out = append(out, fmt.Sprintf("%T", e))
		}
	}
	return strings.Join(out, ", ")
}

// build queues the table with its sets, chains and rules, in place of one whose parts are not as they should be.
func (k Kernel) build(c *nftables.Conn, l layout, replace bool) error {
	t := k.table()
	if replace {
		c.DelTable(t)
	}
	c.AddTable(t)
	rules := k.rules(l)
	for _, kind := range l.kinds() {
		if err := c.AddSet(kind.set(t), nil); err != nil {
			return err
		}
		if kind.part.IsValid() {
			addRules(c, c.AddChain(&nftables.Chain{Table: t, Name: kind.name}), rules[kind.name])
		}
	}
	for _, kind := range l.spread() {
		if err := k.buildMap(c, l, kind); err != nil {
			return err
		}
	}
	for _, f := range protocols {
		addRules(c, c.AddChain(&nftables.Chain{Table: t, Name: f.chain}), rules[f.chain])
	}
	addRules(c, c.AddChain(k.chain(t)), rules[chainName])
	return nil
}

func addRules(c *nftables.Conn, chain *nftables.Chain, list []rule) {
	for _, r := range list {
		c.AddRule(&nftables.Rule{Table: chain.Table, Chain: chain, Exprs: r.exprs})
	}
}

// buildMap queues the map from a source to its part, for a kind that is in parts.
func (k Kernel) buildMap(c *nftables.Conn, l layout, kind setKind) error {
	rows := l.mapRows(kind)
	if len(rows) == 0 {
		return nil
	}
	set := &nftables.Set{Table: k.table(), Name: kind.mapName(), IsMap: true, Interval: true, KeyType: keyType(kind.is4), DataType: nftables.TypeVerdict}
	if err := c.AddSet(set, nil); err != nil {
		return err
	}
	const perCall = 200 // the library lets a message's 16-bit length wrap
	for some := range slices.Chunk(rows, perCall) {
		var list []nftables.SetElement
		for _, r := range some {
			e := nftables.SetElement{Key: r.key.AsSlice(), IntervalEnd: r.end}
			if !r.end {
				e.VerdictData = &expr.Verdict{Kind: expr.VerdictJump, Chain: r.to}
			}
			list = append(list, e)
		}
		if err := c.SetAddElements(set, list); err != nil {
			return err
		}
	}
	return nil
}

// mapRows are the entries of the map to the parts of a kind, by address.
func (l layout) mapRows(kind setKind) (out []row) {
	for _, x := range kind.parts(l.parts[kind.name]) {
		if len(out) > 0 {
			out = append(out, row{key: x.part.First(), end: true})
		}
		out = append(out, row{key: x.part.First(), to: x.name})
	}
	return out
}

// checkSets tells what of the sets isn't as it is built, and finds their layout. A table that holds sets of somebody else
// isn't ours to touch.
func (k Kernel) checkSets(s *State, have []*nftables.Set, elements *conn) error {
	var names []string
	for _, x := range have {
		names = append(names, x.Name)
	}
	s.layout = layoutOf(names)
	want := map[string]*nftables.Set{}
	for _, kind := range s.layout.kinds() {
		want[kind.name] = kind.set(k.table())
	}
	maybe := map[string]setKind{} // what is ours, though it may not be there
	for _, kind := range s.layout.spread() {
		maybe[kind.name], maybe[kind.mapName()] = kind, kind
		if len(s.layout.parts[kind.name]) > 0 {
			want[kind.mapName()] = &nftables.Set{Interval: true, IsMap: true}
		}
	}
	for _, x := range have {
		w, wanted := want[x.Name]
		kind, ours := maybe[x.Name]
		delete(want, x.Name)
		switch {
		case !wanted && ours:
			s.Faults = append(s.Faults, "set "+x.Name+" is one too many")
		case !wanted:
			return k.foreign("the set " + x.Name)
		case x.Interval != w.Interval || x.HasTimeout != w.HasTimeout || x.IsMap != w.IsMap || x.Size != 0 || !w.IsMap && x.KeyType.Bytes != w.KeyType.Bytes:
			s.Faults = append(s.Faults, "set "+x.Name+" is of another type")
		case x.IsMap:
			if err := k.checkMap(s, elements, kind); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		s.Faults = append(s.Faults, "set "+name+" is missing")
	}
	return nil
}

// checkMap tells whether the map of a kind leads to its parts.
func (k Kernel) checkMap(s *State, c *conn, kind setKind) error {
	name := kind.mapName()
	set := setKind{name: name}
	rows, err := c.read(set.setName(k.cfg.Table))
	if err != nil {
		return edge(err, "read the map "+name)
	}
	slices.SortFunc(rows, compareRows)
	if !slices.Equal(rows, s.layout.mapRows(kind)) {
		s.Faults = append(s.Faults, "map "+name+" doesn't lead to the sets there are")
	}
	return nil
}

func (k Kernel) foreign(what string) error {
	return &Error{Why: fmt.Sprintf("table inet %s holds %s, which isn't ours", k.cfg.Table, what),
		Hint: "name another table in the policy's firewall.table, or delete that one: nft delete table inet " + k.cfg.Table}
}

// checkChains tells what of the chains isn't as it is built.
func (k Kernel) checkChains(c *nftables.Conn, s *State, sets []*nftables.Set) error {
	chains, err := c.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return edge(err, "list chains")
	}
	want := k.rules(s.layout)
	t := k.table()
	found := map[string]bool{}
	for _, x := range chains {
		_, from, ours := kindOf(x.Name)
		part := ours && from.IsValid()
		switch {
		case x.Table.Name != t.Name:
		case want[x.Name] == nil && !part:
			return k.foreign("the chain " + x.Name)
		case want[x.Name] == nil:
			s.Faults = append(s.Faults, "chain "+x.Name+" is one too many")
		default:
			if found[x.Name] = true; x.Name == chainName {
				s.Faults = append(s.Faults, k.hookFaults(x)...)
			}
		}
	}
	if found[chainName] && len(sets) == 0 {
		return k.foreign("the chain " + chainName + " without our sets")
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		switch {
		case found[name]:
			if err := k.checkRules(c, s, name, want[name]); err != nil {
				return err
			}
		case len(sets) > 0 || len(s.Faults) == 0:
			s.Faults = append(s.Faults, "chain "+name+" is missing: nothing is dropped")
		}
	}
	return nil
}

func (k Kernel) checkRules(c *nftables.Conn, s *State, chain string, want []rule) error {
	have, err := c.GetRules(k.table(), &nftables.Chain{Name: chain})
	if err != nil {
		return edge(err, "list rules")
	}
	if len(have) != len(want) {
		s.Faults = append(s.Faults, fmt.Sprintf("chain %s has %d rules; expected %d", chain, len(have), len(want)))
		return nil
	}
	for i, r := range have {
		if got := printExprs(r.Exprs); got != printExprs(want[i].exprs) {
			s.Faults = append(s.Faults, fmt.Sprintf("rule %d of chain %s, %s, is another one", i+1, chain, want[i].name))
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

// Remove deletes our table with all that it holds, and what a change of it left over.
func (k Kernel) Remove() error {
	beside := k
	beside.cfg.Table = k.cfg.besideName()
	for _, x := range []Kernel{k, beside} {
		c, err := nftables.New()
		if err != nil {
			return edge(err, "delete the table")
		}
		c.DelTable(x.table())
		if err := c.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
			return edge(err, "delete the table")
		}
	}
	return nil
}
