package simulation

import (
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// checkReason: what a session is said to have ended by has happened at Genesys, since its opening came there, and a read has shown
// it. c is its conversation, or nil.
func (l *ledger) checkReason(k string, before, v *view, c *conversation) {
	own := !v.Now.EndAsked.IsZero()
	switch v.Now.Ending.Reason {
	case handover.EndByAgent, handover.EndByGenesys, handover.EndByCustomer:
	default:
		if !own {
			return // a refusal, or nothing was certain in time: it says so
		}
	}
	switch code := v.Now.Ending.Code; {
	case c == nil: // nobody has named one
	case code == handover.CodeNotDisconnected && own: // nothing was confirmed, and it says so
	case code == handover.CodeConversationMoved:
		if c.live("customer") != nil {
			l.w.fail("no session ends while its customer is in the conversation", k, "%s moved, and he is in %s", v.Now.ID, c.id)
		}
	case code == handover.CodeConversationGone:
		if !own && c.shown != never && l.w.now-c.shown < goneTime {
			l.w.fail("no session ends while its customer is in the conversation", k, "%s is gone, and a read showed %s at %.3f",
				v.Now.ID, c.id, c.shown.Seconds())
		}
	default:
		l.checkShown(k, before, v, c)
	}
}

// goneTime is how long reads have to find nothing: a minute, see handover; the first of them began a little before.
const goneTime = 55 * time.Second

// checkShown: a read is what ends a session, one that was made since its last step, and it shows what has happened.
func (l *ledger) checkShown(k string, before, v *view, c *conversation) {
	began := v.Now.Started.Sub(epoch)
	if before != nil && before.Now != nil && before.Now.ID == v.Now.ID {
		began = before.Now.Changed.Sub(epoch)
	}
	began -= 3 * time.Second // the clocks of replicas
	opened := l.opened(v, c)
	left, back := c.left(opened), c.back(opened)
	if !left && !back {
		l.w.fail("no session ends while its customer is in the conversation", k, "%s ends by the %s, and he is in %s since %.3f",
			v.Now.ID, v.Now.Ending.Reason, c.id, opened.Seconds())
	}
	if back && !left && !v.Now.EndAsked.IsZero() {
		l.w.fail("an end that is asked for is confirmed", k, "%s has ended, and he is in %s", v.Now.ID, c.id)
	}
	if c.shownGone < began && (c.shownBack < began || !back) {
		l.w.fail("only a read ends a session", k, "%s ends by the %s, and no read of %s has shown it", v.Now.ID, v.Now.Ending.Reason, c.id)
	}
}

// opened is when the opening of a session came into its conversation. Where it never did, an agent has begun the session, or
// somebody else has named the conversation: then it is when Genesys first heard of it, by the clock of a replica.
func (l *ledger) opened(v *view, c *conversation) time.Duration {
	for _, p := range c.posts {
		if v.Now.Request != "" && strings.Contains(p.text, v.Now.Request) {
			return p.at
		}
	}
	return v.Now.Tried.Sub(epoch) - 6*time.Second
}

// left reports whether the customer has left a conversation since a time. He may be there again.
func (c *conversation) left(since time.Duration) bool {
	for _, x := range c.legs {
		if x.purpose == "customer" && !x.live() && x.end >= since {
			return true
		}
	}
	return false
}

// back reports whether a conversation that the agents had came into the bot queue since a time.
func (c *conversation) back(since time.Duration) bool {
	for _, bot := range c.legs {
		if bot.purpose != "acd" || bot.queue != botQueue {
			continue
		}
		for _, x := range c.legs {
			agents := x.purpose == "agent" && x.watches == "" || x.purpose == "acd" && x.queue != botQueue
			if agents && !x.live() && x.end >= since && x.end <= bot.start {
				return true
			}
		}
	}
	return false
}
