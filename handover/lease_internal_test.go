package handover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// busyFile has something to do in each lane, at noon.
func busyFile() *file {
	f := lined("a", "b")
	f.Now.PollAt = noon()
	f.In.push(entry{Seq: f.next(), Kind: kindNotice, At: noon(), Notice: &Notice{Kind: NoticeIdle}})
	return f
}

func replica(t *testing.T) *Manager {
	t.Helper()
	w := newWorld(t, 1)
	return w.replica()
}

// Leases 1: one a lane, 15 s; who holds it, and a counter raised at each take.
func TestLeaseOneALane(t *testing.T) {
	t.Parallel()
	a, b := replica(t), replica(t)
	b.owner = "another"
	e := newEdit(busyFile())
	jobs := a.claim(e, nil)
	require.Len(t, jobs, 3)
	for i, n := range []laneName{toGenesys, toHost, control} {
		l := e.lane(n).Lease
		require.Equal(t, jobs[i].lease, l)
		require.Equal(t, a.owner, l.Owner)
		require.Equal(t, uint64(i)+1, l.N, "it is raised at each take")
		require.Equal(t, noon().Add(15*time.Second), l.Until)
	}
	require.Equal(t, uint64(3), e.Leases)
	e.now = noon().Add(17*time.Second - 1)
	require.Empty(t, b.claim(e, nil), "nobody else works under it")
	e.now = noon().Add(17 * time.Second)
	require.Len(t, b.claim(e, nil), 3, "at Until + 2 s somebody may")
	require.Equal(t, uint64(6), e.Leases)
}

// Leases 2: taken with what is accepted if the lane is free, due, Run is running and a worker is there; else only WakeAt is set.
func TestLeaseIsTakenOnlyByWhoCanPerform(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Manager, *edit){
		"Run does not run": func(m *Manager, _ *edit) { m.running = false },
		"no worker is left": func(m *Manager, _ *edit) {
			m.workers = tokens(0)
		},
		"not before later":  func(_ *Manager, e *edit) { e.Out.NotBefore = noon().Add(time.Second) },
		"leased to another": func(_ *Manager, e *edit) { e.Out.Lease = lease{Owner: "another", N: 1, Seq: 1, Until: noon()} },
		"at work here": func(m *Manager, e *edit) {
			m.busy[busyLane{e.key, toGenesys}] = true
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, e := replica(t), newEdit(lined("a"))
			require.Len(t, replica(t).claim(newEdit(lined("a")), nil), 1, "or the test looks at nothing")
			spoil(m, e)
			was := e.Out.Lease
			require.Empty(t, m.claim(e, nil))
			require.Equal(t, was, e.Out.Lease)
			require.Zero(t, m.effects, "no worker stays reserved")
			require.False(t, e.wakeAt().IsZero(), "somebody is woken for it")
		})
	}
}

// Leases 3: a lane that goes on takes the lease anew, with the worker it has: it is not renewed. Backoff clears it.
func TestLeaseIsTakenAnewByTheLaneThatGoesOn(t *testing.T) {
	t.Parallel()
	m, e := replica(t), newEdit(lined("a", "b"))
	j := m.claim(e, nil)[0]
	j.file = copied(t, e.file)
	e.now = noon().Add(3 * time.Second)
	e.Out.Lease = lease{}
	e.settleOut(j, outcome{conversation: "conversation"})
	next := m.claim(e, j)
	require.Len(t, next, 1)
	require.True(t, next[0].inherits)
	require.Equal(t, lease{Owner: m.owner, N: 2, Seq: 2, Until: noon().Add(18 * time.Second)}, e.Out.Lease)

	j = next[0]
	j.file = copied(t, e.file)
	e.Out.Lease = lease{}
	e.settleOut(j, outcome{effect: effectNotPerformed, err: errUnsure, blameless: true})
	require.Empty(t, m.claim(e, j))
	require.Zero(t, e.Out.Lease)
	require.True(t, e.Out.NotBefore.After(e.now))
}

// Leases 4: a lease that was left behind wakes somebody at Until + 2 s, and nobody while there is nothing to do.
func TestLeaseLeftBehindWakesSomebody(t *testing.T) {
	t.Parallel()
	f := lined("a")
	f.Out.Lease = lease{Owner: "dead", N: 1, Seq: 1, Until: noon().Add(15 * time.Second)}
	require.Equal(t, noon().Add(17*time.Second), f.wakeAt())
	e := newEdit(f)
	e.now = noon().Add(17 * time.Second)
	jobs := replica(t).claim(e, nil)
	require.NotEmpty(t, jobs)
	require.True(t, e.Out.Entries[0].Maybe, "nobody knows what became of the attempt")
	f = fileIn(StateBot)
	f.Out.Lease = lease{Owner: "dead", N: 1, Seq: 1, Until: noon().Add(15 * time.Second)}
	require.True(t, f.wakeAt().After(noon().Add(time.Hour)))
}

// Leases 4: our own lease is taken anew before it is over if nobody here works under it: the outcome could not be stored.
func TestLeaseOfOurOwnWhoseOutcomeWasNotStored(t *testing.T) {
	t.Parallel()
	m, e := replica(t), newEdit(lined("a", "b"))
	require.Len(t, m.claim(e, nil), 1)
	require.False(t, e.Out.Entries[0].Maybe)
	e.now = noon().Add(10 * time.Second)
	require.Len(t, m.claim(e, nil), 1)
	require.True(t, e.Out.Entries[0].Maybe, "Genesys may have it")
}

// Leases 3: a late owner settles its fact and leaves the lease of the other alone.
func TestLeaseOfAnotherIsLeftAlone(t *testing.T) {
	t.Parallel()
	a, b := replica(t), replica(t)
	b.owner = "another"
	e := newEdit(lined("a", "b"))
	late := a.claim(e, nil)[0]
	late.file = copied(t, e.file)
	e.now = noon().Add(17 * time.Second)
	b.claim(e, nil)
	taken := e.Out.Lease
	e.settleOut(late, outcome{conversation: "conversation"})
	require.Equal(t, []string{"words b"}, queued(e.file), "a fact is a fact")
	require.Empty(t, a.claim(e, late))
	require.Equal(t, taken, e.Out.Lease)
}
