package handover

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// A memory remembers ids: the first 8 bytes of their SHA-256, the minute and a verdict, 12 bytes each, oldest first. It
// keeps the newest 128, and those younger than 15 minutes up to 512.
type memory []byte

const (
	markSize   = 12
	keepMarks  = 128
	mostMarks  = 512
	markPeriod = 15 * time.Minute
)

type verdict uint32

const (
	unheard verdict = iota
	heard
	toAgent
	missed // no webhook brought it: it was fetched, or reported
)

func hashID(id string) uint64 {
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(sum[:8])
}

func (m memory) recall(id string) verdict {
	h := hashID(id)
	for i := len(m) - markSize; i >= 0; i -= markSize {
		if binary.BigEndian.Uint64(m[i:]) == h {
			return verdict(binary.BigEndian.Uint32(m[i+8:]) & 0xf)
		}
	}
	return unheard
}

func (m *memory) remember(id string, v verdict, now time.Time) {
	var mark [markSize]byte
	binary.BigEndian.PutUint64(mark[:], hashID(id))
	binary.BigEndian.PutUint32(mark[8:], minuteOf(now)<<4|uint32(v))
	*m = append(*m, mark[:]...)
	m.trim(now)
}

func (m *memory) trim(now time.Time) {
	n := len(*m) / markSize
	oldest := minuteOf(now.Add(-markPeriod))
	drop := 0
	for n-drop > keepMarks {
		minute := binary.BigEndian.Uint32((*m)[drop*markSize+8:]) >> 4
		if n-drop <= mostMarks && minute >= oldest {
			break
		}
		drop++
	}
	*m = (*m)[drop*markSize:]
}

// since is the time from which the ids of all webhooks are remembered; zero: none has been dropped. What was missed says nothing of
// that: it is remembered long after it was written.
func (m memory) since(now time.Time) time.Time {
	if len(m) < keepMarks*markSize {
		return time.Time{}
	}
	from := minuteOf(now)
	for i := 0; i < len(m); i += markSize {
		if mark := binary.BigEndian.Uint32(m[i+8:]); verdict(mark&0xf) != missed {
			from = mark >> 4
			break
		}
	}
	if len(m) < mostMarks*markSize {
		from = min(from, minuteOf(now.Add(-markPeriod)))
	}
	return time.Unix(int64(from+1)*60, 0)
}

func minuteOf(t time.Time) uint32 {
	return uint32(max(0, t.Unix()/60)) & (1<<28 - 1) //nolint:gosec // masked to 28 bits, good for 500 years
}
