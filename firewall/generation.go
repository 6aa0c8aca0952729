package firewall

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// generation returns the number of the kernel's ruleset, which every change by anybody raises. The library has no call for
// it.
func generation() (id uint32, err error) {
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	const header = 4 // of nfnetlink: family, version, resource; all zero here
	answers, err := c.Execute(netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETGEN), Flags: netlink.Request},
		Data:   make([]byte, header),
	})
	if err != nil {
		return 0, err
	}
	if len(answers) != 1 || len(answers[0].Data) < header {
		return 0, fmt.Errorf("%d answers to a question for the generation; expected 1", len(answers))
	}
	attributes, err := netlink.NewAttributeDecoder(answers[0].Data[header:])
	if err != nil {
		return 0, err
	}
	attributes.ByteOrder = binary.BigEndian
	for attributes.Next() {
		if attributes.Type() == unix.NFTA_GEN_ID {
			id = attributes.Uint32()
		}
	}
	return id, attributes.Err()
}
