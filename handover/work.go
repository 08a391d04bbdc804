package handover

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// work performs and settles, one effect after the other, as long as the lane goes on.
func (m *Manager) work(ctx context.Context, j *job) {
	defer m.vacate()
	for j != nil {
		effect, cancel := m.door.Until(ctx, j.began.Add(effectTime))
		o := m.perform(effect, j)
		cancel()
		m.settle(ctx, j, o)
		j = j.next
	}
}

// An outcome is what became of an effect.
type outcome struct {
	effect       effectOutcome
	err          error
	retryAfter   time.Duration // before it makes sense to try again
	blameless    bool          // the failure counts against the channel, not against the entry
	code         string        // of an Ending, with effectRefused
	queueID      string        // resolved on the way
	botQueue     string        //
	conversation string        // that a message went into
	platformID   string
	read         *reading                // a read that was made on the way
	transferred  bool                    // Genesys took the transfer
	doubtful     bool                    // Genesys may have taken the transfer
	refused      error                   // Genesys refused the transfer or the disconnect
	disconnected bool                    // Genesys took the disconnect
	tried        bool                    // a disconnect was tried
	leftText     string                  // for the agent, if it may not be disconnected
	receipt      *receipt                // that could not be sent
	asked        []genesys.MessageRef    // that were missing
	stored       []genesys.StoredMessage // of them
	gapErr       error                   // why they are not there
	end          bool                    // the read shows the end of the session
	duty         dutyKind
	known        *known      // whose budget polls spend
	socket       socketState // whether signals can be relied on
}

type effectOutcome int

const (
	effectDone         effectOutcome = iota
	effectRefused                    // certainly not performed, and never will be
	effectNotPerformed               // certainly not performed
	effectAmbiguous                  // nobody knows
	effectHeld                       // not tried: a read changed the picture
)

// perform does the I/O of a job and nothing else. A panic of a callback counts as a failure.
func (m *Manager) perform(ctx context.Context, j *job) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			if j.lane == control {
				o.duty, _ = j.file.duty()
			}
			m.log.Error("panic in an effect", slog.String("lane", string(j.lane)), slog.String("customer", m.hash(j.key)))
			o = outcome{effect: effectAmbiguous, err: fmt.Errorf("handover: panic: %T", p), duty: o.duty}
		}
	}()
	if m.now().Sub(j.began) > effectStart {
		return outcome{effect: effectNotPerformed, err: context.DeadlineExceeded, blameless: true}
	}
	switch j.lane {
	case toGenesys:
		return m.performOut(ctx, j)
	case toHost:
		return m.performIn(ctx, j)
	default:
		return m.performDuty(ctx, j)
	}
}

// settle stores what became of a job. Whoever holds the lease by now: a fact is a fact. While the store is down it tries
// until the lease is over; then somebody else performs again.
func (m *Manager) settle(ctx context.Context, j *job, o outcome) {
	last := j.lease.Until.Add(leaseGrace)
	var slot reservation
	for pause := backoffFirst; ; pause *= 2 {
		_, err := m.edit(ctx, j.key, j, func(e *edit) error {
			switch j.lane {
			case toGenesys:
				e.settleOut(j, o)
			case toHost:
				e.settleIn(j, o)
			default:
				e.settleDuty(j, o)
				e.reservePoll(o, &slot)
			}
			return nil
		})
		if err == nil {
			return
		}
		m.log.Warn("outcome not stored", slog.String("lane", string(j.lane)), slog.String("customer", m.hash(j.key)), slog.Any("error", err))
		if pause = min(pause, last.Sub(m.now())); pause <= 0 || m.sleep(ctx, pause) != nil {
			break
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leave(j)
}

// The backoff of lanes and duties.
const (
	backoffFirst = 500 * time.Millisecond
	backoffLast  = 30 * time.Second
	limitedPause = time.Second // on top of Retry-After
)

// backoff is when to try again after so many failures in a row.
func (e *edit) backoff(failures int, o outcome) time.Time {
	if o.retryAfter > 0 {
		return e.now.Add(o.retryAfter)
	}
	d := backoffFirst << min(max(failures-1, 0), 6)
	return e.now.Add(e.jitter(min(d, backoffLast)))
}
