package handover

import (
	"cmp"
	"container/heap"
	"time"
)

// A wake says when a record is due.
type wake struct {
	at    time.Time
	key   Key
	place int // in the heap
}

func (w *wake) before(o *wake) bool {
	return cmp.Or(w.at.Compare(o.at), compareKeys(w.key, o.key)) < 0
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Customer, b.Customer))
}

// wakeIndex keeps wakes as a heap that knows where each key is: to add and to remove costs O(log n), to list what is due
// costs what is listed, however much sleeps.
type wakeIndex struct {
	wakes []*wake
	of    map[Key]*wake
}

// put adds the wake of a key that has none.
func (x *wakeIndex) put(at time.Time, k Key) { heap.Push(x, &wake{at: at, key: k}) }

// drop removes the wake of a key, if it has one.
func (x *wakeIndex) drop(k Key) {
	if w, ok := x.of[k]; ok {
		heap.Remove(x, w.place)
	}
}

// due lists at most limit keys that wake up to now, the earliest first. Beside the listed ones it looks at their children in
// the heap only.
func (x *wakeIndex) due(now time.Time, limit int) []Key {
	var keys []Key
	next := frontier{wakes: x.wakes}
	next.offer(0, now)
	for len(keys) < limit && len(next.at) > 0 {
		i, _ := heap.Pop(&next).(int)
		keys = append(keys, x.wakes[i].key)
		next.offer(2*i+1, now)
		next.offer(2*i+2, now)
	}
	return keys
}

func (x *wakeIndex) Len() int           { return len(x.wakes) }
func (x *wakeIndex) Less(i, j int) bool { return x.wakes[i].before(x.wakes[j]) }

func (x *wakeIndex) Swap(i, j int) {
	x.wakes[i], x.wakes[j] = x.wakes[j], x.wakes[i]
	x.wakes[i].place, x.wakes[j].place = i, j
}

func (x *wakeIndex) Push(v any) {
	w, ok := v.(*wake)
	if !ok {
		return
	}
	w.place = len(x.wakes)
	x.of[w.key] = w
	x.wakes = append(x.wakes, w)
}

func (x *wakeIndex) Pop() any {
	last := len(x.wakes) - 1
	w := x.wakes[last]
	x.wakes[last] = nil // it may go
	x.wakes = x.wakes[:last]
	delete(x.of, w.key)
	return w
}

// A frontier is the places of the heap that are due next.
type frontier struct {
	wakes []*wake
	at    []int
}

func (f *frontier) offer(i int, now time.Time) {
	if i < len(f.wakes) && !f.wakes[i].at.After(now) {
		heap.Push(f, i)
	}
}

func (f *frontier) Len() int           { return len(f.at) }
func (f *frontier) Less(i, j int) bool { return f.wakes[f.at[i]].before(f.wakes[f.at[j]]) }
func (f *frontier) Swap(i, j int)      { f.at[i], f.at[j] = f.at[j], f.at[i] }

func (f *frontier) Push(v any) {
	i, _ := v.(int)
	f.at = append(f.at, i)
}

func (f *frontier) Pop() any {
	i := f.at[len(f.at)-1]
	f.at = f.at[:len(f.at)-1]
	return i
}
