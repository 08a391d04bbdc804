package handover

import (
	"context"
	"errors"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// fetchTime leaves time for what follows.
const fetchTime = 3 * time.Second

// forbiddenTime is how long it is believed that messages may not be read: a permission may be granted meanwhile.
const forbiddenTime = 10 * time.Minute

// fetch asks for the messages that a read lists and no webhook has brought. A failure is no failure of the duty: the next read shows
// them again.
func (m *Manager) fetch(ctx context.Context, k *known, conversation string, g gap, o *outcome) {
	if o.gapErr = k.account.mayFetch(); len(g.missing) == 0 {
		return
	}
	ids := make([]string, 0, len(g.missing))
	for _, ref := range g.missing {
		ids = append(ids, ref.ID)
	}
	o.asked = g.missing
	if o.gapErr != nil {
		return
	}
	began := m.now()
	ctx, cancel := m.within(ctx, fetchTime)
	defer cancel()
	o.gapErr = k.account.do(ctx, shareReads, blameless(func(ctx context.Context) (err error) {
		o.stored, err = k.account.client.Conversations.Messages(ctx, conversation, ids)
		return err
	}))
	k.account.noteFetch(o.gapErr)
	m.observe(ctx, "fetch", began, o.gapErr)
}

// mayFetch is the last refusal, while it is believed.
func (a *account) mayFetch() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now().Before(a.noFetch) {
		return a.fetchErr
	}
	return nil
}

func (a *account) noteFetch(err error) {
	if !errors.Is(err, genesys.ErrForbidden) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.noFetch, a.fetchErr = a.now().Add(forbiddenTime), err
}

// performCheck looks once more at a conversation that has ended.
func (m *Manager) performCheck(ctx context.Context, k *known, f *file) outcome {
	c := f.Check
	_, r := k.account.look(ctx, shareReads, c.Conversation, c.Since)
	o := outcome{read: r, err: r.err}
	if r.err == nil {
		m.fetch(ctx, k, c.Conversation, f.gapOf(r, c.Since, c.listing, true), &o)
	}
	return o
}
