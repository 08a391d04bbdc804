package record

import (
	"cmp"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// Genesys gives a webhook up after 85 s at most, so while the host cannot be reached for longer, agents' words are lost to it. A read
// lists the ids of the messages of a conversation; those that no webhook brought are fetched, if that is permitted, and reported if
// it is not.

const (
	webhookSilence = 2 * time.Minute  // a message that a read lists and no webhook has delivered for that long was not delivered
	webhookLife    = 90 * time.Second // after that no webhook brings a message any more
	webhookSlow    = 10 * time.Second // sooner it may just be on its way
	gapHold        = 3 * time.Second  // how long what comes behind a gap waits for what was missed
	endHold        = 10 * time.Second // how long an end waits for what was missed
)

// A Gap is what a read lists and no webhook has brought.
type Gap struct {
	machine.Listing // as it is when all of missing is accounted for

	Missing     []genesys.MessageRef // oldest first
	undelivered int                  // listed for 2 minutes, and neither it nor a later one was delivered by a webhook
	young       bool                 // others may still come by themselves
	late        bool                 // and should have come by now
	more        bool                 // others are missing, too: too many for one call
}

// GapOf compares what a read lists since a time with what has come. Where something has come and nothing of it is listed, the ids
// differ (whether they are the same is UNCERTAIN), and nothing can be compared. The end of a session does not wait for what can
// be distinguished from what a webhook brings.
func (f *Record) GapOf(r *Reading, since time.Time, l machine.Listing, end bool) Gap {
	listed := r.listed(since)
	for _, ref := range listed {
		l.Proven = l.Proven || f.ReceivedIDs.Recall(ref.ID) == ReceivedID
	}
	g := Gap{Listing: l}
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
	began := r.genesysBegan()
	g.Checked = machine.Later(l.Checked, began.Add(-webhookLife))
	remembered := r.Clock.Genesys(f.ReceivedIDs.since(r.Began))
	for _, ref := range listed {
		switch v := f.ReceivedIDs.Recall(ref.ID); {
		case v == ReceivedID:
			g.undelivered = 0
		case v != fetchedID && v != UnknownID, f.HostIDOf(ref.ID) != "", ref.Time.Before(remembered), ref.Time.Before(since):
		case began.Sub(ref.Time) >= webhookSilence:
			g.undelivered++
		}
		switch {
		case !ref.Time.After(l.Checked) || ref.Time.Before(remembered):
			continue
		case !l.Proven && ref.Time.Before(since): // of an earlier handover, whose webhooks this one has not seen
			continue
		case f.ReceivedIDs.Recall(ref.ID) != UnknownID || f.HostIDOf(ref.ID) != "":
			continue
		case began.Sub(ref.Time) < patience:
			g.young, g.late = true, g.late || began.Sub(ref.Time) >= webhookSlow
		case len(g.Missing) == genesys.MaxBulkMessages:
			g.more = true
		default:
			g.Missing = append(g.Missing, ref)
			continue
		}
		g.Checked = machine.Earlier(g.Checked, ref.Time.Add(-time.Millisecond))
	}
	return g
}

// listed are the messages to the customer that a read shows since a time, oldest first.
func (r *Reading) listed(since time.Time) []genesys.MessageRef {
	from := since.Add(-machine.SettlePeriod)
	list := slices.DeleteFunc(slices.Clone(r.Messages), func(ref genesys.MessageRef) bool { return ref.Time.Before(from) })
	slices.SortStableFunc(list, func(a, b genesys.MessageRef) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// MessagesOf lists what agents and flows wrote to the customer. What was received, or is not sent yet, is none of it.
func MessagesOf(c *genesys.Conversation) []genesys.MessageRef {
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
