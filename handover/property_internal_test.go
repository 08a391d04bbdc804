package handover

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

const (
	propertySeeds = 400
	propertySteps = 60
)

// Whatever happens in whatever order: no accepted message is lost, order is kept, ended stays ended, no session ends on a
// signal, a record with work is leased or due, and what is stored is what is meant.
func TestProperties(t *testing.T) {
	t.Parallel()
	for part := range uint64(4) {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			for seed := part; seed < propertySeeds; seed += 4 {
				newWorld(t, seed).lives()
			}
		})
	}
}

func (w *world) lives() {
	w.begin(pick(w, StateBot, StateRequested))
	before := w.load()
	for range propertySteps {
		name, certain := w.step()
		after := w.load()
		w.tell(name, after)
		w.check(before, after, certain)
		before = after
	}
	w.comeToRest()
}

// step does one thing. certain: it may end a session.
func (w *world) step() (name string, certain bool) {
	switch n := w.rng.IntN(100); {
	case n < 14:
		w.forward()
		return "forward", false
	case n < 18:
		w.begin(StateRequested)
		return "hand over", true // it may replace one that has ended
	case n < 20:
		w.begin(StateBot)
		return "open", true
	case n < 22:
		w.end()
		return "end", true
	case n < 23:
		if w.chance(80) {
			return "nothing", false
		}
		w.forget()
		return "forget", true
	case n < 30:
		w.webhook()
		return "webhook", false
	case n < 33:
		w.signal()
		return "signal", false
	case n < 34:
		w.die()
		return "die", false
	case n < 52:
		w.passes()
		return "time", false
	case n < 65:
		w.claims()
		return "claim", false
	default:
		w.settle()
		return "settle", true
	}
}

// check holds the properties after a step.
func (w *world) check(before, e *edit, certain bool) {
	if c := before.open(); c != nil && !certain && c.State != StateEnding && e.Now != nil && e.Now.ID == c.ID {
		require.NotEqual(w.t, StateEnded, e.Now.State, "only what is certain ends a session\n%s", w)
	}
	if e.Now != nil {
		require.False(w.t, w.ended[e.Now.ID] && e.Now.Open(), "ended is never left\n%s", w)
		w.ended[e.Now.ID] = e.Now.State == StateEnded
	}
	w.checkRecord(e)
	w.checkMessages(before, e)
	if e.returns() && !e.returning(w.now) {
		require.Equal(w.t, TurnAgent, e.turn(w.now), "the bot never overtakes a hand-back\n%s", w)
	}
}

func (w *world) checkRecord(e *edit) {
	if w.record.Data == nil {
		return
	}
	again, err := e.encode(w.record.Key, w.record.Revision)
	require.NoError(w.t, err)
	require.Equal(w.t, string(w.record.Data), string(again.Data), "what is stored is what is meant\n%s", w)
	require.True(w.t, w.record.WakeAt.Equal(again.WakeAt))
	kind, _ := e.duty()
	if len(e.Out.Entries)+len(e.In.Entries) > 0 || kind != dutyNone {
		require.False(w.t, e.wakeAt().IsZero(), "a record with work is leased or due\n%s", w)
	}
	require.Empty(w.t, e.Control.Entries)
	for _, l := range []*lane{&e.Out, &e.In} {
		sum := 0
		for _, x := range l.Entries {
			sum += x.Size
		}
		require.Equal(w.t, sum, l.Bytes, "%s", w)
	}
	for i := 1; i < len(e.Out.Entries); i++ {
		require.Less(w.t, e.Out.Entries[i-1].Seq, e.Out.Entries[i].Seq, "%s", w)
	}
}

// places counts where a message is in the record.
func places(f *file) map[string]int {
	at := map[string]int{}
	for _, x := range f.Out.Entries {
		if x.Message != nil {
			at[x.Message.ID]++
		}
	}
	for _, s := range f.Tail {
		at[s.Message.ID]++
	}
	for _, d := range f.Dead {
		at[d.Message.ID]++
	}
	for _, h := range f.Held {
		at[h.Unanswered.ID]++
	}
	for _, x := range f.In.Entries {
		for _, u := range x.Back {
			at[u.ID]++
		}
	}
	return at
}

// checkMessages: each accepted message is in one place, or it is done with.
func (w *world) checkMessages(before, e *edit) {
	at, was := places(e.file), places(before.file)
	for _, id := range w.accepted {
		require.LessOrEqual(w.t, at[id], 1, "%s is in one place\n%s", id, w)
		if at[id] > 0 || w.backed[id] || w.forgiven[id] {
			continue
		}
		require.True(w.t, w.took[id], "%s is lost\n%s", id, w)
		if was[id] == 0 || before.Now == nil {
			continue // it was done with before
		}
		over := e.Now == nil || e.Now.ID != before.Now.ID || !e.Now.Open()
		released := over && (e.Now == nil || e.Now.Ending.Code == CodeNotDisconnected || e.Now.ID != before.Now.ID || e.Now.Blind ||
			!e.Now.Disconnected.IsZero())
		answered := slices.ContainsFunc(before.Tail, func(s sent) bool {
			return s.Message.ID == id && !s.At.After(later(w.live, w.endKnown))
		})
		require.True(w.t, answered || released || len(before.Tail) == tailEntries, "nobody answers for %s\n%s", id, w)
	}
}

// comeToRest lets everything succeed until nothing is left to do: nothing is stuck, and nothing was lost on the way.
func (w *world) comeToRest() {
	w.end()
	w.end() // the first may only have dropped the next one
	for range 400 {
		for len(w.work) > 0 {
			j := w.work[0]
			w.work = w.work[1:]
			w.happens(j)
			w.settles(j, w.success(j))
		}
		e := w.load()
		if e.empty() {
			break
		}
		if e.open() != nil && e.Now.State != StateEnding {
			w.end()
		}
		require.False(w.t, e.wakeAt().IsZero(), "%s", w)
		w.now = later(w.now.Add(time.Millisecond), e.wakeAt())
		w.claims()
	}
	e := w.load()
	w.tell(fmt.Sprintf("rests, wakes at %s, control %+v", e.wakeAt(), e.Control.Lease), e)
	require.True(w.t, e.empty(), "it comes to rest\n%s", w)
	for _, id := range w.accepted {
		require.True(w.t, w.took[id] || w.backed[id] || w.forgiven[id], "%s is lost\n%s", id, w)
	}
}

func (w *world) success(j *job) outcome {
	switch j.lane {
	case toGenesys:
		return outcome{conversation: j.file.Now.ConversationID}
	case toHost:
		return outcome{}
	default:
	}
	kind, _ := j.file.duty()
	o := outcome{duty: kind, known: &known{}}
	if kind == dutyLook || kind == dutyAdopt {
		o.read = &reading{began: w.now, standing: genesys.Standing{Phase: genesys.PhaseEnded}}
	}
	return o
}
