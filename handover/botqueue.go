package handover

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// inBotQueue reports whether it stands where the flow put it. While the queues are not known yet, whatever it stands in before an
// agent has it is taken for that.
func (c core) inBotQueue(s genesys.Standing) bool {
	switch {
	case s.QueueID == c.QueueID:
		return false
	case c.BotQueue != "":
		return s.QueueID == c.BotQueue
	default:
		return (c.State == StateBot || c.State == StateRequested) && (c.QueueID == "" || s.QueueID == "")
	}
}

// unrouted reports whether a word of an agent of before, by a clock that is ahead, has made it connected, and nobody of this
// handover came yet. came is when the first agent did, as a read shows it.
func (c core) unrouted(came time.Time) bool {
	return c.State == StateConnected && c.Routing == RouteByTransfer && c.Transferred.IsZero() && came.Before(c.Tried)
}

// before reports whether a read shows an end that is older than the opening: it may be that of the handover before, in a conversation
// that the opening has revived since.
func (t *turn) before(e event) bool {
	return !e.Standing.EndedAt.IsZero() && e.Standing.EndedAt.Before(t.Tried)
}

// sinceOpening reports whether a read shows what came of the opening: one that is older shows, of a conversation that the opening
// revived, where it stood before. Nobody has transferred it yet, so a second read has to agree.
func (t *turn) sinceOpening(e event) bool {
	return !t.Resumed || t.Routing != RouteByTransfer || !t.Transferred.IsZero() || t.sure(e)
}
