package genesystest

import (
	"errors"
	"time"
)

// A Pace is how long the steps of a conversation take. They are short by default, but never nothing, so that the races
// of real life exist: a message is posted before there is a leg to transfer, a read sees the state before the step.
// A zero field is its default, a negative one no time at all.
type Pace struct {
	Flow     time.Duration // from a message to the flow that takes it: 50 ms
	Route    time.Duration // from there to the queue the flow chose: 100 ms
	Offer    time.Duration // from the queue to the ringing of an agent: 200 ms
	Transfer time.Duration // from an accepted transfer to its effect: 150 ms
	Again    time.Duration // before agents who all declined are asked again: 5 s
}

func (p Pace) withDefaults() Pace {
	fill := func(d *time.Duration, standard time.Duration) {
		switch {
		case *d == 0:
			*d = standard
		case *d < 0:
			*d = 0
		}
	}
	fill(&p.Flow, 50*time.Millisecond)
	fill(&p.Route, 100*time.Millisecond)
	fill(&p.Offer, 200*time.Millisecond)
	fill(&p.Transfer, 150*time.Millisecond)
	fill(&p.Again, 5*time.Second)
	return p
}

// WithPace changes how long the steps of a conversation take.
func WithPace(p Pace) Option {
	return func(s *settings) error {
		s.pace = p
		return nil
	}
}

// WithRingTimeout says after how long an unanswered offer goes to the next agent. By default it rings until it is
// answered, declined or taken back, so that a test may look at its agents when it likes.
func WithRingTimeout(d time.Duration) Option {
	return func(s *settings) error {
		if d <= 0 {
			return errors.New("WithRingTimeout: more than 0")
		}
		s.ring = d
		return nil
	}
}

// WithWrapup makes agents do after-call work for that long after they had a conversation, also if they transferred it. The
// agent's leg, which has ended, shows the work (wrapupRequired, startAcwTime). Default: none.
func WithWrapup(d time.Duration) Option {
	return func(s *settings) error {
		if d <= 0 {
			return errors.New("WithWrapup: more than 0")
		}
		s.wrapup = d
		return nil
	}
}

// WithDeduplication makes the organisation drop a message whose messageId and time it has seen from the same customer.
// Whether Genesys does is UNCERTAIN, so by default a repeat is a second message: the agent reads it twice.
func WithDeduplication() Option {
	return func(s *settings) error {
		s.dedupe = true
		return nil
	}
}

// WithPublishedReceipts makes Genesys tell the webhook that a customer's message was published. Such receipts have been
// seen, whether they always come is UNCERTAIN; default: none.
func WithPublishedReceipts() Option {
	return func(s *settings) error {
		s.published = true
		return nil
	}
}

// WithoutTyping turns typing of agents off, as it is in a real organisation until a messaging setting enables it
// (https://help.mypurecloud.com/articles/platform-configuration-profiles-overview/). Here it is on by default.
func WithoutTyping() Option {
	return func(s *settings) error {
		s.noTyping = true
		return nil
	}
}

// WithFragileChats ends a conversation, with the disconnect type error, when its webhook refuses a message or fails in all
// attempts. A developer reported that a whole chat failed so
// (https://developer.genesys.cloud/forum/t/openmessage-need-to-either-disable-input-or-inform-agent-message-didnt-go-through/30668);
// whether it always does is UNCERTAIN, so by default only the message has failed.
func WithFragileChats() Option {
	return func(s *settings) error {
		s.fragile = true
		return nil
	}
}

// WithForeignMessageIDs makes reads of a conversation name its messages otherwise than webhooks do. Whether the two are
// the same at Genesys is UNCERTAIN; by default they are.
func WithForeignMessageIDs() Option {
	return func(s *settings) error {
		s.foreignIDs = true
		return nil
	}
}

// WithProtectedDownloads makes attachments of agents ask for a token. Whether Genesys does is UNCERTAIN; default: no.
func WithProtectedDownloads() Option {
	return func(s *settings) error {
		s.authorise = true
		return nil
	}
}
