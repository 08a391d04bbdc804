package engine

import (
	"context"
	"hash/fnv"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// claim takes the leases of the effects that can start now, in the transaction that is about to be
// stored. done is the job that is being settled: its lane keeps its worker.
func (m *Manager) claim(tx *record.Transaction, done *record.Job) []*record.Job {
	var jobs []*record.Job
	leaves, why := m.serves(tx)
	if why != "" {
		m.reportOnce(tx.Key.Channel, why)
	}
	if leaves > 0 {
		return nil
	}
	for _, n := range []record.LaneName{record.ToGenesys, record.ToHost, record.Control} {
		mine := done != nil && done.Lane == n
		if !tx.Ready(n) {
			continue
		}
		at, ok := m.take(tx, n, done)
		if !ok {
			continue
		}
		tx.Leases++
		taken := record.Lease{Owner: m.owner, N: tx.Leases, Until: tx.Now.Add(record.LeaseTime)}
		head := tx.ClaimHead(n)
		taken.Seq = head.Seq
		tx.Lane(n).Lease = taken
		jobs = append(jobs, &record.Job{Key: tx.Key, Lane: n, Lease: taken, Record: tx.Record, Head: head, Began: m.Now(), Inherits: mine, Seat: at})
	}
	return jobs
}

// take reserves a worker for a lane without one: its lease has expired, or is ours and unused. The
// lane of a job that is being settled has a worker already, but must release it after a while if
// others wait.
func (m *Manager) take(tx *record.Transaction, n record.LaneName, done *record.Job) (seat, bool) {
	s := m.seatFor(tx.Key.Channel, n)
	m.mu.Lock()
	defer m.mu.Unlock()
	l := tx.Lane(n).Lease
	switch {
	case !m.running, !l.Free(tx.Now) && l.Owner != m.owner:
		return seat{}, false
	case done != nil && done.Lane == n:
		return seatOf(done), !m.workers.mustYield(seatOf(done), s.since)
	case m.busy[busyLane{tx.Key, n}]:
		return seat{}, false
	}
	if !m.reserve(s) {
		tx.Starved = n
		return seat{}, false
	}
	return s, true
}

type busyLane struct {
	key  machine.Key
	lane record.LaneName
}

// performs reports whether a worker of this process is in a lane.
func (m *Manager) performs(lane busyLane) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.busy[lane]
}

// occupy takes a lane for a delivery without a record, which has no lease. ok is false while
// another worker of this process is in the lane. free may be called more than once.
func (m *Manager) occupy(lane busyLane) (free func(), ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.busy[lane] {
		return nil, false
	}
	m.busy[lane] = true
	return sync.OnceFunc(func() {
		m.mu.Lock()
		delete(m.busy, lane)
		m.mu.Unlock()
		m.wakeBy(m.Now()) // a record that was created in between may wait for the lane
	}), true
}

// release releases the reservations of claims that were not stored.
func (m *Manager) release(jobs []*record.Job) {
	for _, j := range jobs {
		if !j.Inherits {
			m.vacate(seatOf(j))
		}
	}
}

// launch performs claimed jobs. The lane of a settled job is free, unless it continues.
func (m *Manager) launch(ctx context.Context, jobs []*record.Job, done *record.Job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if done != nil {
		m.leave(done)
	}
	for _, j := range jobs {
		m.busy[busyLane{j.Key, j.Lane}] = true
		if j.Inherits {
			done.Next = j
			continue
		}
		after := context.WithoutCancel(ctx) // the caller may return before the work is done
		m.Go(func() { m.work(after, j) })
	}
}

// leave frees the lane of a job inside this process. The caller holds the mutex.
func (m *Manager) leave(j *record.Job) {
	if !j.Left {
		j.Left = true
		delete(m.busy, busyLane{j.Key, j.Lane})
	}
}

// setAside ignores a record for a while. It is reported and never rewritten.
func (m *Manager) setAside(k machine.Key, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.aside[k]; !known {
		m.log.Error("record set aside", slog.String("customer", m.hash(k)), slog.Any("error", err))
	}
	m.aside[k] = m.Now().Add(asideTime)
}

const asideTime = 10 * time.Minute

// locks serialize load, change and store of one key inside this process, never an effect. They are
// channels and not mutexes, so that a caller that waits for a slow store can stop waiting, and a
// synctest bubble knows that it waits.
type locks [256]chan struct{}

func newLocks() *locks {
	l := &locks{}
	for i := range l {
		l[i] = environment.Tokens(1)
	}
	return l
}

// lock waits for a key, no longer than a transaction retries.
func (m *Manager) lock(ctx context.Context, k machine.Key) (unlock func(), err error) {
	h := fnv.New32a()
	_, _ = io.WriteString(h, k.Channel+"\x00"+k.Customer)
	l := m.locks[h.Sum32()%uint32(len(m.locks))]
	switch got, err := m.Await(ctx, conflictTime, l); {
	case err != nil:
		return nil, err
	case !got:
		return nil, record.ErrBusy
	}
	return func() { l <- struct{}{} }, nil
}
