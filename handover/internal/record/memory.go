package record

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A memory is a list of remembered ids, oldest first. An id takes 12 bytes: the first 8 bytes of
// its SHA-256 and a mark. The memory keeps the newest 128 ids, and up to 512 of those younger than
// 15 minutes. A mark has 26 bits for the minute (enough until 2097), one bit for a final receipt
// that was sent (of a customer's message: that Genesys may have it), 3 bits for the identity, and 2
// bits for the verdict.
type memory []byte

const (
	markSize   = 12
	keepMarks  = 128
	mostMarks  = 512
	markPeriod = 15 * time.Minute
)

// The bits of a mark.
const (
	verdictMask   = 0x3
	identityShift = 2
	identityMask  = 0x7
	finalBit      = 1 << 5
	minuteShift   = 6
)

type verdict uint32

// UnknownID is the verdict of an id that is not remembered.
const UnknownID verdict = 0

// The verdicts of messages from Genesys.
const (
	ReceivedID verdict = 1
	fetchedID  verdict = 3 // no webhook delivered it: it was fetched, or reported as lost
)

// The verdicts of the customer's messages, which have another memory.
const (
	returnedID   verdict = 1 // an attempt of a Return passed it to the host
	forwardedID  verdict = 2 // it was stored for the agents
	transcriptID verdict = 3 // the transcript of a request contains it
)

func hashID(id string) uint64 {
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(sum[:8])
}

// find returns the newest mark of an id and its position, or -1 if the id is not remembered.
func (m memory) find(id string) (mark uint32, at int) {
	h := hashID(id)
	for i := len(m) - markSize; i >= 0; i -= markSize {
		if binary.BigEndian.Uint64(m[i:]) == h {
			return binary.BigEndian.Uint32(m[i+8:]), i + 8
		}
	}
	return 0, -1
}

func (m memory) Recall(id string) verdict {
	mark, _ := m.find(id)
	return verdict(mark & verdictMask)
}

// minute returns the minute in which an id was remembered.
func (m memory) minute(id string) (machine.Time, bool) {
	mark, at := m.find(id)
	return minuteTime(mark >> minuteShift), at >= 0
}

func (m *memory) Remember(id string, v verdict, now machine.Time) { m.RememberOf(id, v, 0, now) }

// RememberOf remembers an id together with the index of the identity that the message was sent
// to.
func (m *memory) RememberOf(id string, v verdict, identity int, now machine.Time) {
	var mark [markSize]byte
	binary.BigEndian.PutUint64(mark[:], hashID(id))
	bits := minuteOf(now)<<minuteShift | uint32(identity&identityMask)<<identityShift | uint32(v)
	binary.BigEndian.PutUint32(mark[8:], bits)
	*m = append(*m, mark[:]...)
	m.trim(now)
}

// identityOf returns the index of the identity that a message was sent to.
func (m memory) identityOf(id string) int {
	mark, _ := m.find(id)
	return int(mark >> identityShift & identityMask)
}

// final reports whether the final receipt of a message was sent or is no longer to be sent.
func (m memory) final(id string) bool {
	mark, _ := m.find(id)
	return mark&finalBit != 0
}

// finish notes that the final receipt of a message was sent or is no longer to be sent.
func (m memory) finish(id string) {
	if mark, at := m.find(id); at >= 0 {
		binary.BigEndian.PutUint32(m[at:], mark|finalBit)
	}
}

// reached notes that Genesys may have a message of the customer.
func (m memory) reached(id string) { m.finish(id) }

// hasReached reports whether Genesys may have a message of the customer.
func (m memory) hasReached(id string) bool { return m.final(id) }

// replace remembers an id with another verdict and removes its old marks.
func (m *memory) replace(id string, v verdict, now machine.Time) {
	h := hashID(id)
	var rest memory
	for mark := range slices.Chunk(*m, markSize) {
		if binary.BigEndian.Uint64(mark) != h {
			rest = append(rest, mark...)
		}
	}
	*m = rest
	m.Remember(id, v, now)
}

func (m *memory) trim(now machine.Time) {
	n := len(*m) / markSize
	oldest := minuteOf(now.Add(-markPeriod))
	drop := 0
	for n-drop > keepMarks {
		minute := binary.BigEndian.Uint32((*m)[drop*markSize+8:]) >> minuteShift
		if n-drop <= mostMarks && minute >= oldest {
			break
		}
		drop++
	}
	*m = (*m)[drop*markSize:]
}

// since returns the time from which the ids of all webhooks are remembered. It is zero if no id
// was dropped. Ids of fetched messages are ignored, because they are remembered long after the
// message was written.
func (m memory) since(now machine.Time) machine.Time {
	if len(m) < keepMarks*markSize {
		return 0
	}
	from := minuteOf(now)
	for x := range slices.Chunk(m, markSize) {
		if mark := binary.BigEndian.Uint32(x[8:]); verdict(mark&verdictMask) != fetchedID {
			from = mark >> minuteShift
			break
		}
	}
	if len(m) < mostMarks*markSize {
		from = min(from, minuteOf(now.Add(-markPeriod)))
	}
	return minuteTime(from + 1)
}

func minuteOf(t machine.Time) uint32 {
	return uint32(max(0, t/minute)) & (1<<26 - 1) //nolint:gosec // masked to 26 bits
}

func minuteTime(minutes uint32) machine.Time { return machine.Time(minutes) * minute }

const minute = machine.Time(time.Minute / time.Microsecond)

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
