package account

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// readTime limits a read, so that time remains for the rest of the effect.
const readTime = 4 * time.Second

// Look reads a conversation. It ignores participants that ended before since, and legs with known
// marks.
func (a *Account) Look(ctx context.Context, s Share, id string, since time.Time, known string) (*genesys.Conversation, *record.Reading) {
	ctx, cancel := a.Within(ctx, readTime)
	defer cancel()
	r := &record.Reading{Began: a.Now().UTC().Round(0)}
	var c *genesys.Conversation
	r.Err = a.Do(ctx, s, func(ctx context.Context) (err error) {
		c, err = a.Client.Conversations.Get(ctx, id)
		return err
	})
	r.Clock = a.Clock()
	switch {
	case r.Err == nil:
		r.Standing = c.Standing(since, strings.Fields(known)...)
		r.History = machine.HistoryOf(record.Without(c, strings.Fields(known)), since)
		r.Legs = record.LegsOf(c)
		r.Messages = record.MessagesOf(c)
	case errors.Is(r.Err, genesys.ErrForbidden):
		r.Blind = true
	case errors.Is(r.Err, genesys.ErrNotFound):
		r.Gone = true
	}
	return c, r
}
