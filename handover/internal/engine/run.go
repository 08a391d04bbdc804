package engine

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// Run performs the work that is due until ctx ends.
func (m *Manager) Run(ctx context.Context) error {
	if err := m.start(); err != nil {
		return err
	}
	defer m.stop(context.WithoutCancel(ctx))
	r := &rounds{m: m, skip: map[machine.Key]skipped{}, after: map[string]DueCursor{}}
	for ctx.Err() == nil {
		_, _ = m.Await(ctx, r.round(ctx), m.nudge)
	}
	return ctx.Err()
}

var errRunning = errors.New("handover: Run is running already")

func (m *Manager) start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running {
		return errRunning
	}
	m.running, m.ran = true, true
	return nil
}

// stop waits for running effects. It leaves an effect that does not end to its lease.
func (m *Manager) stop(ctx context.Context) {
	m.mu.Lock()
	m.running = false
	m.mu.Unlock()
	for end := m.Now().Add(record.DrainTime); m.working(); {
		if idle, _ := m.Await(ctx, end.Sub(m.Now()), m.idle); !idle {
			m.log.Warn("stopped while an effect still runs: its lease will expire")
			return
		}
	}
}

func (m *Manager) working() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.effects > 0
}

// rounds is the state of Run between its rounds.
type rounds struct {
	m    *Manager
	skip map[machine.Key]skipped
	// Where the next page of a channel begins; of the empty name: of all channels.
	after map[string]DueCursor
	turn  string // the channel that was queried last
}

// A skipped record is due and cannot be worked on.
type skipped struct {
	until   time.Time
	lane    record.LaneName // it waits for a worker of this lane; empty: it does not
	refused bool            // it waits for its channel to be known
}

// skips reports whether a record is skipped.
func (r *rounds) skips(k machine.Key, now time.Time) bool {
	s, ok := r.skip[k]
	switch {
	case !ok || !now.Before(s.until):
		return false
	case s.refused:
		return !r.m.hasChannel(k.Channel)
	case s.lane != "":
		return !r.m.admits(k.Channel, s.lane)
	}
	return true
}

// round claims the work of one page of due records and returns how long to wait before the next
// round. After a full page the next round continues, so that records without work for this process
// do not keep others from being read. If a page of all channels is full, the channels that this
// process knows are queried in turn, so that many records of one do not keep those of the others
// waiting.
func (r *rounds) round(ctx context.Context) time.Duration {
	m := r.m
	m.sweepDue(ctx)
	now := m.Now()
	r.forget(now)
	m.copies.forget(now)
	wait := record.LookEvery
	all := m.channelID("")
	free := m.free()
	ready, more, err := r.page(ctx, all, min(record.DueLimit, free+record.Claimers), now, &wait)
	if err != nil {
		if ctx.Err() == nil {
			m.log.Warn("store: due records unknown", slog.Any("error", err))
		}
		return record.LookEvery
	}
	lists := [][]machine.Key{ready}
	if more && m.config.Channels != nil {
		for _, id := range r.inTurn() {
			list, _, err := r.page(ctx, id, record.TurnLimit, now, &wait)
			if err != nil {
				break // the next round decides
			}
			lists = append(lists, list)
		}
	}
	r.claimAll(ctx, byTurn(lists))
	if more && free > 0 && m.free() > 0 {
		wait = 0
	}
	return m.untilNext(wait)
}

// page reads the next page of due records of a channel. It returns those that may be worked on, and
// whether more may follow. It shortens wait to when the next record wakes.
func (r *rounds) page(ctx context.Context, channel string, limit int, now time.Time, wait *time.Duration) (ready []machine.Key, more bool, err error) {
	// Now is ahead by the longest wait, so that the round knows when the next record wakes.
	q := DueQuery{Channel: channel, Now: now.Add(record.LookEvery), After: r.after[channel], Limit: limit}
	delete(r.after, channel)
	due, err := r.m.config.Store.Due(ctx, q)
	if err != nil {
		return nil, false, err
	}
	for _, x := range due {
		r.m.copies.saw(x)
		switch {
		case r.skips(x.Key, now):
		case record.IsReserved(x.Key):
			r.skip[x.Key] = skipped{until: now.Add(asideTime)} // not a customer's record
		case x.WakeAt.After(now):
			*wait = min(*wait, x.WakeAt.Sub(now))
		default:
			ready = append(ready, x.Key)
		}
	}
	next, more := q.next(due, now)
	if more {
		r.after[channel] = next
	}
	return ready, more, nil
}

// inTurn lists the channels that are queried now: those known ones that would get a worker,
// beginning after the last one.
func (r *rounds) inTurn() []string {
	ids := r.m.knownChannels()
	i, _ := slices.BinarySearch(ids, r.turn+"\x00")
	var list []string
	for n := range ids {
		if id := ids[(i+n)%len(ids)]; r.m.admits(id, record.Control) {
			list = append(list, id)
		}
		if len(list) == record.TurnPages {
			break
		}
	}
	if len(list) > 0 {
		r.turn = list[len(list)-1]
	}
	return list
}

// byTurn merges lists of keys so that the channels take turns. Each key is listed once.
func byTurn(lists [][]machine.Key) []machine.Key {
	var merged []machine.Key
	turn, next := map[machine.Key]int{}, map[string]int{}
	for _, list := range slices.Backward(lists) { // the page of all channels is last
		for _, k := range list {
			if _, seen := turn[k]; !seen {
				turn[k] = next[k.Channel]
				next[k.Channel]++
				merged = append(merged, k)
			}
		}
	}
	slices.SortStableFunc(merged, func(a, b machine.Key) int { return cmp.Compare(turn[a], turn[b]) })
	return merged
}

// next returns where the next page begins, and whether it may have records that are due now. A
// store that ignores After returns the same page again: then there is none.
func (q DueQuery) next(page []record.Stored, now time.Time) (DueCursor, bool) {
	if len(page) == 0 || len(page) < q.Limit {
		return DueCursor{}, false
	}
	last := page[len(page)-1]
	c := DueCursor{WakeAt: last.WakeAt, Key: last.Key}
	return c, !last.WakeAt.After(now) && c.Compare(q.After) > 0
}

// claimAll claims the work of each due record, several at a time, as long as their channels have
// workers.
func (r *rounds) claimAll(ctx context.Context, keys []machine.Key) {
	m := r.m
	todo := make(chan machine.Key, len(keys))
	for _, k := range keys {
		todo <- k
	}
	close(todo)
	var mu sync.Mutex
	n := min(record.Claimers, len(keys))
	done := make(chan struct{}, n)
	for range n {
		m.Go(func() {
			defer func() { done <- struct{}{} }()
			for k := range todo {
				mu.Lock()
				skips := r.skips(k, m.Now())
				mu.Unlock()
				if skips || !m.admits(k.Channel, record.Control) {
					continue
				}
				if _, sure := m.knows(ctx, k.Channel); !sure {
					continue // Run continues with it when Config.Channels has answered
				}
				if s, due := m.claimDue(ctx, k); due {
					mu.Lock()
					r.skip[k] = s
					mu.Unlock()
				}
			}
		})
	}
	for range n {
		// A transaction stops much sooner, because its calls of the store time out.
		_, _ = m.Await(context.WithoutCancel(ctx), time.Hour, done)
	}
}

// claimDue runs an empty transaction on a record, which takes the leases of the effects that can
// start. It does not create a record that was removed in between. It drops the work of a record
// that was ignored for its whole retention. due reports whether the record is still due, and s for
// how long it is skipped then.
func (m *Manager) claimDue(ctx context.Context, k machine.Key) (s skipped, due bool) {
	var last *record.Transaction
	var refused bool
	f, err := m.accept(ctx, k, func(tx *record.Transaction) error {
		if last, refused = tx, false; tx.Fresh {
			return record.ErrUnchanged
		}
		leaves, why := m.serves(tx)
		switch {
		case leaves == 0:
		case m.ignored(tx) >= tx.Retention():
			tx.GiveUp(why)
		default:
			tx.Leaves, refused = leaves, why == whyNoChannel
			m.reportOnce(k.Channel, why)
			return record.ErrUnchanged
		}
		return nil
	})
	now := m.Now()
	if err != nil || f == nil {
		return skipped{until: now.Add(record.SkipTime)}, true
	}
	pause := record.SkipTime
	switch {
	case last.Leaves > 0:
		pause = last.Leaves
	case last.Starved != "":
		pause = record.StarveTime
	}
	at := f.WakeAt()
	return skipped{until: now.Add(pause), lane: last.Starved, refused: refused}, !at.IsZero() && !at.After(machine.TimeOf(now))
}

// runGrace is how long a host may serve before it calls Run.
const runGrace = 5 * time.Second

// runForgotten reports, once, that work is stored and Run was never called. at is when the work is
// due; records that wake much later do not count. The caller holds the mutex.
func (m *Manager) runForgotten(at time.Time) bool {
	if m.ran || m.warned || at.IsZero() {
		return false
	}
	now := m.Now()
	m.warned = now.Sub(m.made) > runGrace && at.Before(now.Add(time.Minute))
	return m.warned
}

// forget removes expired entries of skipped records. Records that cannot be read are skipped
// longer.
func (r *rounds) forget(now time.Time) {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	for k, until := range r.m.aside {
		if now.Before(until) {
			r.skip[k] = skipped{until: until}
			continue
		}
		delete(r.m.aside, k)
	}
	maps.DeleteFunc(r.skip, func(_ machine.Key, s skipped) bool { return !now.Before(s.until) })
}

// untilNext notes when the next round begins, so that a transaction with an earlier wake time can
// wake Run.
func (m *Manager) untilNext(wait time.Duration) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next = m.Now().Add(wait)
	return wait
}

// wakeBy makes Run begin its next round by a time.
func (m *Manager) wakeBy(at time.Time) {
	m.mu.Lock()
	sooner := m.running && !at.IsZero() && at.Before(m.next)
	forgotten := m.runForgotten(at)
	m.mu.Unlock()
	if forgotten {
		m.log.Warn("Run is not running: messages are stored, nothing is sent. Call Manager.Run once in every replica")
	}
	if sooner {
		environment.Signal(m.nudge)
	}
}
