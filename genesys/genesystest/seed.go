package genesystest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Ids are hashes of the seed, the kind of thing and a running number: the same program makes the same ids, two
// organisations with different seeds never share one.

func digest(seed uint64, kind string, n int) []byte {
	b := binary.BigEndian.AppendUint64([]byte(kind+"\x00"), seed)
	b = binary.BigEndian.AppendUint64(b, uint64(max(n, 0)))
	sum := sha256.Sum256(b)
	return sum[:]
}

func (o *Org) next(kind string) int {
	o.serial[kind]++
	return o.serial[kind]
}

// uuid is a new id in the form Genesys gives to entities. Call it with the lock.
func (o *Org) uuid(kind string) string { return o.derive(kind, o.next(kind)) }

func (o *Org) derive(kind string, n int) string {
	h := hex.EncodeToString(digest(o.opt.seed, kind, n))
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:32]
}

// hex is a new id in the form Genesys gives to messages (32 digits), or a secret. Call it with the lock.
func (o *Org) hex(kind string, length int) string {
	return hex.EncodeToString(digest(o.opt.seed, kind, o.next(kind)))[:length]
}

func (o *Org) messageID() string { return o.hex("message", 32) }

// now has the precision of the wire.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// stamp is a time as Genesys writes it; the zero time is "", which omitempty drops.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
