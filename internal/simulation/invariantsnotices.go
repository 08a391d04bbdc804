package simulation

import (
	"strconv"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
)

// A story is a session as its notices tell it, in the order in which the host is first given them.
type story struct {
	seq      uint64 // of the last
	alerting bool
	present  bool // an agent joined and has not left
	joined   bool // one ever did
	ended    bool
}

// refusing is how long a host has to refuse a notice before others may be given first: a minute, by the clocks of replicas.
const refusing = 50 * time.Second

// tellOrder notes when a host has refused a notice for so long that the order is no longer promised.
func (l *ledger) tellOrder(k string, lane viewLane) {
	for _, x := range lane.Entries {
		if x.Notice != nil && !x.First.IsZero() && l.w.stamp().Sub(x.First) >= refusing {
			l.person(k).mixed = true
		}
	}
}

// told: a notice is given to the host for the first time. Notices come in the order of the steps they tell of.
func (l *ledger) told(s *life, n handover.Notice) {
	if l.person(s.key).mixed {
		return
	}
	x := &s.story
	seq, _ := strconv.ParseUint(n.ID[strings.LastIndexByte(n.ID, '/')+1:], 10, 64)
	if seq <= x.seq {
		l.w.fail("notices come in the order of the steps", s.key, "%s %s comes after %d", n.Kind, n.ID, x.seq)
	}
	x.seq = seq
	if why := x.goOn(n.Kind); why != "" {
		l.w.fail("notices tell a story", s.key, "%s %s: %s", n.Kind, n.ID, why)
	}
	if n.Kind == handover.NoticeAgentJoined {
		l.checkThere(s, n)
	}
}

// goOn adds a step, and says what is wrong with it; empty: nothing.
func (x *story) goOn(kind handover.NoticeKind) string {
	late := kind == handover.NoticeReturned || kind == handover.NoticeMessageFailed || kind == handover.NoticeGap
	if x.ended && !late {
		return "it has ended"
	}
	was := *x
	switch kind {
	case handover.NoticeAlerting:
		x.alerting = true
		if was.present {
			return "an agent is there"
		}
	case handover.NoticeQueued:
		x.alerting = false
		if was.present {
			return "an agent is there"
		}
	case handover.NoticeDeclined:
		x.alerting = false
		if !was.alerting {
			return "it did not ring"
		}
	case handover.NoticeAgentJoined:
		x.alerting, x.present, x.joined = false, true, true
		if was.present {
			return "the one before has not left"
		}
	case handover.NoticeAgentLeft:
		x.present = false
		if !was.present {
			return "nobody has joined"
		}
	case handover.NoticeEnded:
		x.ended, x.present = true, false
	default:
	}
	return ""
}

// checkThere: who is said to have joined was there, since the session began, and did not only let it ring or look on.
func (l *ledger) checkThere(s *life, n handover.Notice) {
	c := l.w.genesys.find(n.Session.ConversationID)
	if c == nil {
		return
	}
	since := min(n.Session.Started.Sub(epoch), s.tried) - 6*time.Second // an adopted one begins with the agent's word
	for _, x := range c.legs {
		if x.agent() && (n.Agent.ID == "" || x.user == n.Agent.ID) && (x.live() || x.end >= since) {
			return
		}
	}
	l.w.fail("only who was there has joined", s.key, "%q is said to have joined %s", n.Agent.ID, c.id)
}

// checkJoined: the host hears that an agent is there before it gets his first word.
func (l *ledger) checkJoined(k string, d handover.Delivery) {
	s := l.sessions[d.Session.ID]
	if s == nil || d.Late || d.Origin == openmessaging.OriginBot || d.Session.State != handover.StateConnected || l.person(k).mixed {
		return
	}
	if !s.story.joined {
		l.w.fail("an agent joins before his first word", k, "%s", d.ID)
	}
}
