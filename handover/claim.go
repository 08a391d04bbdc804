package handover

import (
	"context"
	"hash/fnv"
	"io"
	"log/slog"
	"time"
)

// claim takes the leases of what can be performed now, in the edit that is about to be stored. done is the job that is being
// settled: its lane goes on with the worker it has.
func (m *Manager) claim(e *edit, done *job) []*job {
	var jobs []*job
	for _, n := range []laneName{toGenesys, toHost, control} {
		mine := done != nil && done.lane == n
		if !e.ready(n) || !m.take(e, n, mine) {
			continue
		}
		if n != control && e.lane(n).begun() {
			e.lane(n).Entries[0].Maybe = true // of a dead process, or one of ours whose outcome could not be stored
		}
		e.Leases++
		taken := lease{Owner: m.owner, N: e.Leases, Until: e.now.Add(leaseTime)}
		if n != control {
			taken.Seq = e.lane(n).Entries[0].Seq
		}
		if n == toHost && e.In.Entries[0].Kind == kindReturn {
			e.given(&e.In.Entries[0])
		}
		e.lane(n).Lease = taken
		if n == toGenesys && e.Out.Entries[0].Kind == kindOpen && e.Now.Tried.IsZero() {
			e.Now.Tried = e.now // from here on Genesys may know of it
		}
		jobs = append(jobs, &job{key: e.key, lane: n, lease: taken, file: e.file, began: m.now(), inherits: mine})
	}
	return jobs
}

// ready reports whether a lane has something to perform now.
func (e *edit) ready(n laneName) bool {
	if n == control {
		kind, at := e.duty()
		return kind != dutyNone && !e.now.Before(at)
	}
	l := e.lane(n)
	at, ok := l.ready()
	if !ok || e.now.Before(at) {
		return false
	}
	if n == toGenesys {
		if l.Entries[0].Kind == kindOpen && e.cleaning() {
			return false // or the clean-up would disconnect the conversation that the opening joins
		}
		return !e.held()
	}
	return true
}

// cleaning reports whether an orphan is being disconnected.
func (e *edit) cleaning() bool { return len(e.Orphans) > 0 && !e.Control.Lease.free(e.now) }

// take reserves a worker for a lane, if nobody performs in it: by its lease, or because that is our own and nobody here does.
// The lane of a job that is being settled has its worker.
func (m *Manager) take(e *edit, n laneName, mine bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := e.lane(n).Lease
	switch {
	case !m.running, !l.free(e.now) && l.Owner != m.owner:
		return false
	case mine:
		return true
	case m.busy[busyLane{e.key, n}]:
		return false
	}
	return m.reserve()
}

// reserve takes a worker, if one is free; else the next that is makes Run look. The caller holds the mutex.
func (m *Manager) reserve() bool {
	select {
	case <-m.workers:
		m.effects++
		return true
	default:
		m.starved = true
		return false
	}
}

// starve reports whether all workers are taken. If so, the next that is free makes Run look.
func (m *Manager) starve() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.workers) > 0 {
		return false
	}
	m.starved = true
	return true
}

type busyLane struct {
	key  Key
	lane laneName
}

// release gives back what claims reserved that were not stored.
func (m *Manager) release(jobs []*job) {
	for _, j := range jobs {
		if !j.inherits {
			m.vacate()
		}
	}
}

// vacate gives a worker back.
func (m *Manager) vacate() {
	m.workers <- struct{}{}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.effects--; m.effects == 0 {
		signal(m.idle)
	}
	if m.starved {
		m.starved = false
		signal(m.nudge)
	}
}

// launch performs claimed jobs. The lane of a job that was settled is free, unless it goes on.
func (m *Manager) launch(ctx context.Context, jobs []*job, done *job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if done != nil {
		m.leave(done)
	}
	for _, j := range jobs {
		m.busy[busyLane{j.key, j.lane}] = true
		if j.inherits {
			done.next = j
			continue
		}
		after := context.WithoutCancel(ctx) // whoever accepted may be gone before it is done
		m.door.Go(func() { m.work(after, j) })
	}
}

// leave frees the lane of a job inside this process. The caller holds the mutex.
func (m *Manager) leave(j *job) {
	if !j.left {
		j.left = true
		delete(m.busy, busyLane{j.key, j.lane})
	}
}

// setAside leaves a record alone for a while: it is reported, never rewritten.
func (m *Manager) setAside(k Key, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.aside[k]; !known {
		m.log.Error("record set aside", slog.String("customer", m.hash(k)), slog.Any("error", err))
	}
	m.aside[k] = m.now().Add(asideTime)
}

const asideTime = 10 * time.Minute

// locks serialise load, change and store of one key inside this process; never an effect. They are channels and not mutexes,
// so that whoever waits behind a slow store can give up, and a synctest bubble knows that it waits.
type locks [256]chan struct{}

func newLocks() *locks {
	l := &locks{}
	for i := range l {
		l[i] = tokens(1)
	}
	return l
}

// lock waits for a key, as long as an edit tries.
func (m *Manager) lock(ctx context.Context, k Key) (unlock func(), err error) {
	h := fnv.New32a()
	_, _ = io.WriteString(h, k.Channel+"\x00"+k.Customer)
	l := m.locks[h.Sum32()%uint32(len(m.locks))]
	switch got, err := m.await(ctx, conflictTime, l); {
	case err != nil:
		return nil, err
	case !got:
		return nil, ErrBusy
	}
	return func() { l <- struct{}{} }, nil
}
