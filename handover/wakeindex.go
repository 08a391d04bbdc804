package handover

import (
	"math/rand/v2"
	"time"
)

// A wakeIndex is a set of cursors in the order of Due, as a treap: a search tree that stays
// balanced because each node has a random priority and no node has a higher one than its parent.
// Adding and removing cost O(log n); reading a page costs O(log n) and the length of the page,
// however many records sleep or lie before the page.
type wakeIndex struct{ root *wakeNode }

type wakeNode struct {
	DueCursor

	priority    uint64
	left, right *wakeNode
}

// add adds a cursor that is not in the index.
func (x *wakeIndex) add(c DueCursor) {
	before, behind := x.root.split(c)
	n := &wakeNode{DueCursor: c, priority: rand.Uint64()} //nolint:gosec // it only balances a tree
	x.root = before.join(n).join(behind)
}

// remove removes a cursor, if it is in the index.
func (x *wakeIndex) remove(c DueCursor) {
	at := &x.root
	for *at != nil {
		switch order := c.compare((*at).DueCursor); {
		case order < 0:
			at = &(*at).left
		case order > 0:
			at = &(*at).right
		default:
			*at = (*at).left.join((*at).right)
			return
		}
	}
}

// due returns at most limit keys that wake up to now and lie behind after, in order.
func (x *wakeIndex) due(after DueCursor, now time.Time, limit int) []Key {
	var keys []Key
	x.root.walk(after, func(c DueCursor) bool {
		if len(keys) >= limit || c.WakeAt.After(now) {
			return false
		}
		keys = append(keys, c.Key)
		return true
	})
	return keys
}

// walk calls f for each cursor behind after, in order, until f returns false. It reports whether f
// never did.
func (n *wakeNode) walk(after DueCursor, f func(DueCursor) bool) bool {
	switch {
	case n == nil:
		return true
	case after.compare(n.DueCursor) >= 0:
		return n.right.walk(after, f)
	default:
		return n.left.walk(after, f) && f(n.DueCursor) && n.right.walk(after, f)
	}
}

// split divides a tree into the cursors up to c and those behind c.
func (n *wakeNode) split(c DueCursor) (upTo, behind *wakeNode) {
	switch {
	case n == nil:
		return nil, nil
	case c.compare(n.DueCursor) >= 0:
		n.right, behind = n.right.split(c)
		return n, behind
	default:
		upTo, n.left = n.left.split(c)
		return upTo, n
	}
}

// join makes one tree of two; every cursor of n is before every cursor of o.
func (n *wakeNode) join(o *wakeNode) *wakeNode {
	switch {
	case n == nil:
		return o
	case o == nil:
		return n
	case n.priority > o.priority:
		n.right = n.right.join(o)
		return n
	default:
		o.left = n.join(o.left)
		return o
	}
}
