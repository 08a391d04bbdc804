package handover

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// settle ends a job that is under way, with any outcome. It may be long over its lease.
func (w *world) settle() {
	if len(w.work) == 0 {
		return
	}
	i := w.rng.IntN(len(w.work))
	j := w.work[i]
	w.work = slices.Delete(w.work, i, i+1)
	var o outcome
	switch j.lane {
	case toGenesys:
		o = w.outcomeOut(j)
	case toHost:
		o = w.outcomeIn(j)
	default:
		o = w.outcomeDuty(j)
	}
	w.settles(j, o)
}

func (w *world) settles(j *job, o outcome) {
	r := w.whose[j]
	delete(w.whose, j)
	w.history = append(w.history, fmt.Sprintf("settles %s %s: %d %q %v", j.lane, o.duty, o.effect, o.conversation, o.err))
	if o.read != nil {
		w.history = append(w.history, fmt.Sprintf("reads %s %+v", o.read.began.Format(time.TimeOnly), o.read.standing.Phase))
	}
	w.edit(r, j, func(e *edit) error {
		w.learns(e, j, o)
		switch j.lane {
		case toGenesys:
			e.settleOut(j, o)
		case toHost:
			e.settleIn(j, o)
		default:
			e.settleDuty(j, o)
		}
		return nil
	})
	if r.busy[busyLane{j.key, j.lane}] && !slices.ContainsFunc(w.work, func(x *job) bool { return w.whose[x] == r && x.lane == j.lane }) {
		r.leave(j)
	}
}

// learns notes what an outcome says of agents, and of what Genesys has.
func (w *world) learns(e *edit, j *job, o outcome) {
	if o.read != nil && o.read.err == nil && e.sameSession(j) {
		if p := o.read.standing.Phase; p == genesys.PhaseConnected || p == genesys.PhaseParked {
			w.live = later(w.live, o.read.began)
		}
		w.live = later(w.live, o.read.history.Left)
		w.endKnown = later(w.endKnown, o.read.standing.EndedAt)
	}
}

func (w *world) fault() error {
	return pick[error](w, genesys.ErrUnavailable, &genesys.Error{Op: "x", StatusCode: 503}, &genesys.Error{Op: "x", StatusCode: 401}, errors.New("reset"))
}

func (w *world) read() *reading {
	r := &reading{began: w.now.Add(-time.Duration(w.rng.IntN(3000)) * time.Millisecond), standing: w.randomStanding(), history: history{Entry: "bots"}}
	switch n := w.rng.IntN(100); {
	case n < 3:
		r.blind, r.err = true, genesys.ErrForbidden
	case n < 8:
		r.gone, r.err = true, genesys.ErrNotFound
	case n < 15:
		r.err = genesys.ErrUnavailable
	case n < 40 && r.standing.Phase == genesys.PhaseQueued:
		r.history.Left = r.began.Add(-time.Duration(w.rng.IntN(10_000)) * time.Millisecond)
	}
	return r
}

func (w *world) outcomeOut(j *job) outcome {
	o := outcome{queueID: j.file.Now.QueueID, botQueue: j.file.Now.BotQueue}
	if w.chance(20) && j.file.Now.ConversationID != "" {
		o.read = w.read()
	}
	switch n := w.rng.IntN(100); {
	case n < 65:
		o.platformID = w.next("p")
		o.conversation = j.file.Now.ConversationID
		if o.conversation == "" {
			o.conversation = w.next("c")
		}
		if w.chance(5) {
			o.conversation = pick(w, "", w.next("c"))
		}
		w.happens(j)
	case n < 72:
		o.effect, o.err = effectRefused, &genesys.Error{Op: "x", StatusCode: 400}
	case n < 82:
		o.effect, o.err, o.blameless = effectNotPerformed, w.fault(), true
	case n < 95:
		o.effect, o.err = effectAmbiguous, w.fault()
		if w.chance(50) {
			w.happens(j)
		}
	default:
		o.effect = effectHeld
	}
	return o
}

func (w *world) outcomeIn(j *job) outcome {
	switch n := w.rng.IntN(100); {
	case n < 75:
		w.happens(j)
		return outcome{}
	case n < 80 && j.file.In.Entries[0].Delivery != nil:
		return outcome{effect: effectRefused, err: Undeliverable(openmessaging.ReasonGeneralError, nil)}
	case n < 85:
		w.happens(j) // the host did its work and then failed
	}
	return outcome{effect: effectAmbiguous, err: errors.New("no")}
}

func (w *world) outcomeDuty(j *job) outcome {
	kind, _ := j.file.duty()
	o := outcome{duty: kind}
	if w.chance(10) {
		o.err = w.fault()
		return o
	}
	switch kind {
	case dutyLook:
		w.look(j, &o)
	case dutyAdopt, dutyCheck:
		o.known, o.read = &known{}, w.read()
		o.err = o.read.err
	default:
		if w.chance(30) {
			o.err = w.fault()
		}
	}
	return o
}

func (w *world) look(j *job, o *outcome) {
	c := j.file.Now
	if c.ConversationID == "" {
		return
	}
	if !c.Blind {
		o.read = w.read()
		if o.err = o.read.err; o.err != nil && !o.read.blind {
			return
		}
		*c, _ = apply(*c, o.read.event(), w.now)
	}
	switch {
	case c.State == StateRequested && w.chance(60):
		o.transferred = w.chance(70)
		o.doubtful = !o.transferred && w.chance(50)
		if !o.transferred && !o.doubtful {
			o.refused = genesys.ErrForbidden
		}
	case c.State == StateEnding && len(j.file.Out.Entries) == 0:
		o.tried, o.disconnected = true, w.chance(60)
		if !o.disconnected {
			o.refused, o.leftText = genesys.ErrForbidden, pick(w, "", "left")
		}
	}
}
