package machine

import (
	"fmt"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// InBotQueue reports whether the conversation is in the queue into which the flow put it. While the
// queues are unknown, any queue before the first agent counts as that queue.
func (c Handover) InBotQueue(s genesys.Standing) bool {
	switch {
	case s.QueueID == c.QueueID:
		return false
	case c.BotQueue != "":
		return s.QueueID == c.BotQueue
	default:
		return (c.State == StateBot || c.State == StateRequested) && (c.QueueID == "" || s.QueueID == "")
	}
}

// Unrouted reports whether a message of an earlier agent, written by a clock that is ahead, has
// connected the session, and no agent of this handover has joined yet. came is the time when a read
// shows the first agent, or zero.
func (c Handover) Unrouted(came time.Time) bool {
	return c.State == StateConnected && c.Routing == RouteByTransfer && c.Transferred.IsZero() && came.Before(c.OpeningTriedAt)
}

// before reports whether a read shows an end that is older than the opening. It may be the end of
// the last handover, in a conversation that the opening has revived since.
func (t *Transition) before(e Event) bool {
	return !e.Standing.EndedAt.IsZero() && e.Standing.EndedAt.Before(t.OpeningTriedAt)
}

// sinceOpening reports whether a read shows the effect of the opening. An older read of a
// conversation that the opening revived shows its earlier place. The conversation has not been
// transferred yet, so a second read has to agree.
func (t *Transition) sinceOpening(e Event) bool {
	return !t.Resumed || t.Routing != RouteByTransfer || !t.Transferred.IsZero() || t.sure(e)
}

// misrouted reports whether the conversation waits, before the first agent, in a queue that is
// neither the bot queue nor the agent queue. The host is notified once: usually Channel.BotQueue is
// not the queue that the flow uses.
func (t *Transition) misrouted(e Event) bool {
	s := e.Standing
	switch {
	case t.Routing != RouteByTransfer || !t.Transferred.IsZero() || t.QueueID == "" || t.BotQueue == "" || s.QueueID == "":
		return false
	case s.QueueID == t.QueueID || s.QueueID == t.BotQueue || !e.Came.Before(t.OpeningTriedAt) && !e.Came.IsZero():
		return false
	case t.Misrouted:
		return true
	}
	t.Misrouted = true
	name := e.QueueName
	if name == "" {
		name = s.QueueID
	}
	t.emit(Effect{Notice: NoticeMisrouted, To: s.QueueID, Detail: fmt.Sprintf("the conversation waits in the queue %q, which is neither "+
		"Channel.BotQueue nor the agent queue, so it is not transferred: set Channel.BotQueue to the queue that the flow uses "+
		"(docs/setup.md#step-5)", name)})
	return true
}
