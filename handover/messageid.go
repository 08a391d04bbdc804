package handover

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// messageID is the channel.messageId of a part: the same on every attempt of every replica.
func messageID(kind entryKind, integration, customer, hostID string, part int) string {
	h := sha256.New()
	for _, s := range []string{string(kind), integration, customer, hostID, strconv.Itoa(part)} {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(s))) //nolint:gosec // ids are short
		h.Write(n[:])
		h.Write([]byte(s))
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// from is the sender of what the host's customer writes.
func (c *core) from() openmessaging.Customer {
	return openmessaging.Customer{ID: c.From, IDType: openmessaging.IDOpaque}
}

const handoverIDLength = 12

// fromID is channel.from.id: the customer, or with IdentitySession a new person for every handover.
func fromID(i Identity, customer, handover string) string {
	if i == IdentitySession {
		return customer + "~" + handover
	}
	return customer
}

// splitFrom finds the customer and the handover in an id that fromID made.
func splitFrom(id string) (customer, handover string, ok bool) {
	i := strings.LastIndexByte(id, '~')
	if i <= 0 || !isHandoverID(id[i+1:]) {
		return id, "", false
	}
	return id[:i], id[i+1:], true
}

func isHandoverID(s string) bool {
	return len(s) == handoverIDLength && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") == ""
}
