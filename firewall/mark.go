package firewall

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Mark is how the kernel's ruleset stood at a moment: by it a later look tells whether somebody changed it since.
type Mark struct {
	Boot       string `json:"boot"`       // of the kernel, and the network namespace: without the same one nothing compares
	Generation uint32 `json:"generation"` // of the whole ruleset: every transaction of anybody raises it
	Handle     uint64 `json:"handle"`     // of our table, 0 where there is none: one that is made anew has another
}

// Mark looks how the ruleset stands.
func (k Kernel) Mark(ctx context.Context) (Mark, error) {
	c, closeIt, err := connect(ctx)
	if err != nil {
		return Mark{}, whole(ctx, edge(err, "read the table"))
	}
	defer closeIt()
	m := Mark{Boot: boot()}
	if m.Generation, err = c.generation(); err != nil {
		return Mark{}, whole(ctx, edge(err, "read the table"))
	}
	if m.Handle, err = c.tableHandle(k.cfg.Table); err != nil && !errors.Is(err, unix.ENOENT) {
		return Mark{}, whole(ctx, edge(err, "read the table"))
	}
	return m, nil
}

// boot names the run of the kernel and the network namespace that we are in.
func boot() string {
	id, err1 := os.ReadFile("/proc/sys/kernel/random/boot_id")
	space, err2 := os.Readlink("/proc/self/ns/net")
	if err1 != nil || err2 != nil {
		return ""
	}
	return strings.TrimSpace(string(id)) + " " + space
}

func (c *conn) tableHandle(name string) (handle uint64, err error) {
	const tableHandle = 4 // NFTA_TABLE_HANDLE of Linux's nf_tables.h
	question := attribute([]byte{unix.NFPROTO_INET, unix.NFNETLINK_V0, 0, 0}, unix.NFTA_TABLE_NAME, append([]byte(name), 0))
	err = c.ask(unix.NFT_MSG_GETTABLE, 0, question, func(data []byte) error {
		return attributes(data, func(kind uint16, value []byte) error {
			if kind == tableHandle {
				handle = number(value)
			}
			return nil
		})
	})
	return handle, err
}

// Flowtables names the flowtables of all tables, as "table x, flowtable y": forwarded connections in one of them, those that
// were open before a block, pass our chain by. Nothing else of others' tables is read. Where the kernel can't tell there are
// none.
func (k Kernel) Flowtables(ctx context.Context) ([]string, error) {
	c, closeIt, err := connect(ctx)
	if err != nil {
		return nil, whole(ctx, edge(err, "list flowtables"))
	}
	defer closeIt()
	var out []string
	err = c.ask(unix.NFT_MSG_GETFLOWTABLE, netlink.Dump, []byte{unix.NFPROTO_UNSPEC, unix.NFNETLINK_V0, 0, 0}, func(data []byte) error {
		name, err := flowtableIn(data)
		out = append(out, name)
		return err
	})
	switch {
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP): // before Linux 4.16
		return nil, nil
	case err != nil:
		return nil, whole(ctx, edge(err, "list flowtables"))
	}
	slices.Sort(out)
	return out, nil
}

func flowtableIn(data []byte) (string, error) {
	const tableName, flowtableName = 1, 2 // NFTA_FLOWTABLE_TABLE and NAME of Linux's nf_tables.h
	names := map[uint16]string{}
	err := attributes(data, func(kind uint16, value []byte) error {
		names[kind] = strings.TrimRight(string(value), "\x00")
		return nil
	})
	return "table " + names[tableName] + ", flowtable " + names[flowtableName], err
}
