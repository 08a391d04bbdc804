package engine

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// work performs and settles one effect after the other, as long as the lane has work.
func (m *Manager) work(ctx context.Context, j *record.Job) {
	defer m.vacate(seatOf(j))
	for j != nil {
		effect, cancel := m.Until(seatOf(j).withSlot(ctx), j.Began.Add(record.EffectTime))
		o := m.perform(effect, j)
		cancel()
		m.settle(ctx, j, o)
		j = j.Next
	}
}

// perform does the I/O of a job and nothing else. A panic counts as a failure.
func (m *Manager) perform(ctx context.Context, j *record.Job) (o record.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			if j.Lane == record.Control {
				o.Task, _ = j.Record.NextTask()
			}
			m.logPanic(ctx, p, "panic in an effect", slog.String("lane", string(j.Lane)), slog.String("customer", m.hash(j.Key)))
			o = record.Outcome{Effect: record.EffectAmbiguous, Err: fmt.Errorf("handover: panic: %T", p), Task: o.Task}
		}
	}()
	if m.Now().Sub(j.Began) > record.EffectStart {
		return record.Outcome{Effect: record.EffectNotPerformed, Err: context.DeadlineExceeded, ChannelFault: true}
	}
	switch j.Lane {
	case record.ToGenesys:
		return m.performOut(ctx, j)
	case record.ToHost:
		return m.performIn(ctx, j)
	default:
		return m.performTask(ctx, j)
	}
}

// settle stores the outcome of a job, even if another worker holds the lease now, because the
// effect has happened. While the store fails, it retries until the lease expires; then another
// worker performs the effect again.
func (m *Manager) settle(ctx context.Context, j *record.Job, o record.Outcome) {
	last := j.Lease.Until.Add(record.LeaseGrace)
	var slot record.Reservation
	var givenUp record.EntryKind
	for pause := record.BackoffFirst; ; pause *= 2 {
		_, err := m.transact(ctx, j.Key, j, func(tx *record.Transaction) error {
			switch j.Lane {
			case record.ToGenesys:
				tx.SettleOut(j, o)
			case record.ToHost:
				tx.SettleIn(j, o)
				tx.SettleStuck(j, o)
				givenUp = tx.GivenUp
			default:
				tx.SettleTask(j, o)
				tx.ReservePoll(o, &slot)
			}
			return nil
		})
		if err == nil {
			if givenUp != "" {
				m.log.Error("given up: the host did not accept it", slog.String("what", givenUp.Words()), slog.String("channel", j.Key.Channel),
					slog.String("customer", m.hash(j.Key)), slog.Any("error", o.Err))
			}
			return
		}
		m.log.Warn("outcome not stored", slog.String("lane", string(j.Lane)), slog.String("customer", m.hash(j.Key)), slog.Any("error", err))
		if pause = min(pause, last.Sub(m.Now())); pause <= 0 || m.Sleep(ctx, pause) != nil {
			break
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leave(j)
}
