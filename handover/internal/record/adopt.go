package record

import (
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// adopt opens a session that Genesys began: a live agent writes without an open session. The bot
// must not speak at the same time, and the conversation is returned when it ends.
func (tx *Transaction) adopt(a *Watched, r *Reading, defaults machine.Timers, botQueue string) {
	c := machine.Handover{
		Session: machine.Session{
			ID: tx.NewID(), Key: tx.Key, State: machine.StateConnected, ConversationID: a.ID,
			Agent: machine.AgentOf(r.Standing), Resumed: true, Connected: tx.Now,
		},
		Came:              tx.genesysNow(),
		From:              a.From,
		OpeningTriedAt:    a.Since,
		OpeningAcceptedAt: tx.Now,
		AgentRequestedAt:  tx.Now,
		QueueID:           r.Standing.QueueID,
		BotQueue:          botQueue,
		// Regardless of the channel, because nothing is transferred.
		Routing: machine.RouteByFlow,
		AgentAt: tx.Now, AgentWrote: a.Since,
		ConfirmedAt: r.genesysBegan(),
		ReadAt:      r.Began,
		Timers:      defaults,
		Listing:     machine.Listing{Reached: true}, // it began with a webhook
		Legs:        a.Legs,
	}
	c.Queue, c.Blind = c.QueueID, r.Blind
	if o := tx.Open(); o != nil { // the bot's session continues in this conversation
		tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByGenesys, Detail: "an agent went on with another conversation of the customer"})
		tx.Handover.Leftover = machine.LeftoverOpen // its end was not requested
		tx.Tidy()
	}
	tx.install(c)
	tx.Notice(Notice{Kind: machine.NoticeAgentJoined, Agent: c.Agent, Detail: "the agent went on with an older conversation"})
	t := &machine.Transition{Handover: *tx.Handover, Now: tx.Now}
	t.SchedulePoll()
	*tx.Handover = t.Handover
}
