package handover

// adopt opens a session that Genesys began: a live agent writes although we know of no handover. The bot must not talk over
// him, and his conversation is to be returned when it ends.
func (e *edit) adopt(a *adoption, r *reading, ch *Channel, botQueue string) {
	c := core{
		Session: Session{
			ID: e.newID(), Key: e.key, State: StateConnected, ConversationID: a.Conversation,
			Agent: agentOf(r.standing), Resumed: true, Connected: e.now,
		},
		From:     a.From,
		Tried:    a.Since,
		Accepted: e.now,
		Asked:    e.now,
		QueueID:  r.standing.QueueID,
		BotQueue: botQueue,
		Routing:  RouteByFlow, // whatever the channel says: there is nothing to transfer
		AgentAt:  e.now,
		Vouched:  r.began,
		ReadAt:   r.began,
		Timers:   ch.Timers.or(defaultTimers()),
		listing:  listing{Reached: true}, // it began with a webhook

		AwaitWrapup: ch.AwaitWrapup,
	}
	c.Queue = c.QueueID
	e.install(c)
	e.takeBack() // he is there, and the bot has to be silent
	e.notice(Notice{Kind: NoticeAgentJoined, Agent: c.Agent, Detail: "the agent went on with an older conversation"})
	t := &turn{core: *e.Now, now: e.now}
	t.poll()
	*e.Now = t.core
}
