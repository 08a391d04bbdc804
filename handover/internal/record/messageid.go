package record

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// MessageID returns the channel.messageId of a part. It is the same on every attempt of every
// replica. again is set for a message that was attempted in an earlier session: it gets another
// id in each session, because Genesys may drop a repeated id.
func MessageID(kind EntryKind, integration, customer, hostID string, part int, again string) string {
	h := sha256.New()
	parts := []string{string(kind), integration, customer, hostID, strconv.Itoa(part)}
	if again != "" {
		parts = append(parts, again)
	}
	for _, s := range parts {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(s))) //nolint:gosec // ids are short
		h.Write(n[:])
		h.Write([]byte(s))
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// FromID returns the channel.from.id of a session: the customer id or, with IdentitySession, an
// id that is new for every session.
func FromID(i machine.Identity, customer, handover string) string {
	if i == machine.IdentitySession {
		return customer + "~" + handover
	}
	return customer
}

// SplitFrom returns the customer id and the session id that FromID joined. ok is false for an
// id of another form; then customer is id.
func SplitFrom(id string) (customer, handover string, ok bool) {
	i := strings.LastIndexByte(id, '~')
	if i <= 0 || !isHandoverID(id[i+1:]) {
		return id, "", false
	}
	return id[:i], id[i+1:], true
}

func isHandoverID(s string) bool {
	return len(s) == environment.HandoverIDLength && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") == ""
}
