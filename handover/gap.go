package handover

import (
	"cmp"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// Genesys gives a webhook up after 85 s at most, so while the host cannot be reached for longer, agents' words are lost to it. A read
// lists the ids of the messages of a conversation; those that no webhook brought are fetched, if that is permitted, and reported if
// it is not.

const (
	webhookLife = 90 * time.Second // after that no webhook brings a message any more
	webhookSlow = 10 * time.Second // sooner it may just be on its way
	gapHold     = 3 * time.Second  // how long what comes behind a gap waits for what was missed
)

// A listing is how far the messages of a conversation have been compared with what webhooks brought.
type listing struct {
	Checked time.Time `json:"checked,omitzero"`  // up to there nothing is missing
	Reached bool      `json:"reached,omitempty"` // a webhook of this conversation has come
	Proven  bool      `json:"proven,omitempty"`  // the ids of reads are those of webhooks
}

// A gap is what a read lists and no webhook has brought.
type gap struct {
	listing // as it is when all of missing is accounted for

	missing []genesys.MessageRef // oldest first
	young   bool                 // others may still come by themselves
	late    bool                 // and should have come by now
	more    bool                 // others are missing, too: too many for one call
}

// gapOf compares what a read lists since a time with what has come. Where something has come and nothing of it is listed, the ids
// differ (whether they are the same is UNCERTAIN), and nothing can be told. At the end of a session nothing is waited for that can
// be told from what a webhook brings.
func (f *file) gapOf(r *reading, since time.Time, l listing, end bool) gap {
	listed := r.listed(since)
	for _, ref := range listed {
		l.Proven = l.Proven || f.Heard.recall(ref.ID) == heard
	}
	g := gap{listing: l}
	if l.Reached && !l.Proven {
		return g
	}
	patience := webhookLife
	switch {
	case l.Proven && end:
		patience = 0
	case l.Proven: // whichever way it comes first, the other is known by its id
		patience = webhookSlow
	}
	g.Checked = later(l.Checked, r.began.Add(-webhookLife))
	remembered := f.Heard.since(r.began)
	for _, ref := range listed {
		switch {
		case !ref.Time.After(l.Checked) || ref.Time.Before(remembered):
			continue
		case !l.Proven && ref.Time.Before(since): // of an earlier handover, whose webhooks this one has not seen
			continue
		case f.Heard.recall(ref.ID) != unheard || f.hostID(ref.ID) != "":
			continue
		case r.began.Sub(ref.Time) < patience:
			g.young, g.late = true, g.late || r.began.Sub(ref.Time) >= webhookSlow
		case len(g.missing) == genesys.MaxBulkMessages:
			g.more = true
		default:
			g.missing = append(g.missing, ref)
			continue
		}
		g.Checked = earlier(g.Checked, ref.Time.Add(-time.Millisecond))
	}
	return g
}

// listed are the messages to the customer that a read shows since a time, oldest first.
func (r *reading) listed(since time.Time) []genesys.MessageRef {
	from := since.Add(-settlePeriod)
	list := slices.DeleteFunc(slices.Clone(r.messages), func(ref genesys.MessageRef) bool { return ref.Time.Before(from) })
	slices.SortStableFunc(list, func(a, b genesys.MessageRef) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// messagesOf lists what agents and flows wrote to the customer. What was received, or is not sent yet, is none of it.
func messagesOf(c *genesys.Conversation) []genesys.MessageRef {
	var list []genesys.MessageRef
	for _, p := range c.Participants {
		if p.IsCustomer() {
			continue
		}
		for _, ref := range p.Messages {
			switch ref.Status {
			case "received", "queued", "removed":
			default:
				if ref.ID != "" && !ref.Time.IsZero() {
					list = append(list, ref)
				}
			}
		}
	}
	return list
}

// A check is a last look at a conversation that ended while words of it might still be missing.
type check struct {
	listing

	Conversation string    `json:"conversation"`
	From         string    `json:"from"`
	Since        time.Time `json:"since"`
	At           time.Time `json:"at"`
	Tries        int       `json:"tries,omitempty"`
	Left         int       `json:"left,omitempty"` // messages that were missing when it was read last
}

const (
	maxCheckTries = 5
	maxChecks     = 8
	checkPause    = 30 * time.Second
)
