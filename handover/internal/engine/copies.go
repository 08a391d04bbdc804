package engine

import (
	"container/list"
	"hash/maphash"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// The limits of what a process keeps of records.
const (
	copyTime  = time.Minute // a copy is not used for longer
	maxCopies = 4096
	copyBytes = 16 << 20 // of all copies, as they are stored
)

// copies keeps decoded copies of the records that this process stored last. The next transaction
// on a record begins with its copy, without a Get and without decoding. The compare-and-swap of Put
// shows whether the copy was current.
//
// A transaction takes the copy out, and only a Put that certainly succeeded puts one back. So no
// copy remains after a panic, an error or an unknown outcome. The absence of a record is never
// kept.
type copies struct {
	mu    sync.Mutex
	of    map[machine.Key]*list.Element
	order list.List // of recordCopy, in the order in which they were stored and in which they expire
	bytes int
}

// A recordCopy is a record as this process stored it. It shares no memory with any other value.
type recordCopy struct {
	key      machine.Key
	record   *record.Record
	revision uint64
	size     int
	sum      uint64 // of the stored bytes
	until    time.Time
}

// take removes the copy of a record and returns it, unless it is too old.
func (c *copies) take(k machine.Key, now time.Time) (recordCopy, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.of[k]
	if e == nil {
		return recordCopy{}, false
	}
	x := c.remove(e)
	return x, now.Before(x.until)
}

// saw removes the copy of a record of which the store returned a later revision.
func (c *copies) saw(r record.Stored) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.of[r.Key]; e != nil && valueOf(e).revision < r.Revision {
		c.remove(e)
	}
}

// put keeps f, which was stored as r, instead of an earlier copy. Nothing else may use f.
func (c *copies) put(f *record.Record, r record.Stored, now time.Time) {
	x := recordCopy{
		key: r.Key, record: f, revision: r.Revision, size: len(r.Data), sum: sumOf(r.Data), until: now.Add(copyTime),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.of[x.key]; e != nil {
		c.remove(e)
	}
	if c.of == nil {
		c.of = map[machine.Key]*list.Element{}
	}
	c.of[x.key] = c.order.PushBack(x)
	c.bytes += x.size
	for c.order.Len() > maxCopies || c.bytes > copyBytes {
		c.remove(c.order.Front())
	}
}

// forget frees the copies that are too old.
func (c *copies) forget(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.order.Front(); e != nil; e = c.order.Front() {
		if now.Before(valueOf(e).until) {
			return
		}
		c.remove(e)
	}
}

func valueOf(e *list.Element) recordCopy {
	x, _ := e.Value.(recordCopy)
	return x
}

// remove removes a copy. The caller holds the mutex.
func (c *copies) remove(e *list.Element) recordCopy {
	x := valueOf(e)
	c.order.Remove(e)
	delete(c.of, x.key)
	c.bytes -= x.size
	return x
}

// seed makes the sums of this process.
var seed = maphash.MakeSeed() //nolint:gochecknoglobals // a constant of the process

// sumOf returns a sum by which a transaction on a copy sees that it would store what is stored
// already. If two records had the same sum, it would be repeated on a Get, which compares the
// bytes.
func sumOf(data []byte) uint64 { return maphash.Bytes(seed, data) }
