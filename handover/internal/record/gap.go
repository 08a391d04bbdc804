package record

import (
	"cmp"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// Genesys stops retrying a webhook after 85 s at most. So if the host is unavailable for longer,
// agents' messages are lost. A read lists the ids of the messages of a conversation. Messages
// without a webhook are fetched, or reported if fetching is not permitted.

const (
	// A listed message without a webhook for that long counts as undelivered.
	webhookSilence = 2 * time.Minute
	webhookLife    = 90 * time.Second // no webhook delivers a message later than that
	webhookSlow    = 10 * time.Second // a younger message may still arrive
	gapHold        = 3 * time.Second  // how long messages after a gap wait for the missing ones
	endHold        = 10 * time.Second // how long an end waits for missing messages
)

// A Gap is the set of messages that a read lists and no webhook has delivered.
type Gap struct {
	machine.Listing // the listing once all of missing is accounted for

	Missing []genesys.MessageRef // oldest first
	// Missing ones, and those that webhooks may still deliver, without a limit.
	unseen      []genesys.MessageRef
	undelivered int  // listed for 2 minutes, and no webhook delivered it or a later one
	young       bool // others may still be delivered by webhooks
	late        bool // and should have been delivered already
	more        bool // others are missing, too many for one call
}

// GapOf compares the messages that a read lists since a time with the received ones. If none of the
// received messages is listed, reads and webhooks use different ids (UNCERTAIN whether Genesys ever
// does), and nothing can be compared. With end, the end of a session does not wait for messages
// that can be recognized if a webhook delivers them later.
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
	case l.Proven: // the second copy is recognized by its id, in either order
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
		// Of an earlier handover with webhooks that this one has not received.
		case !l.Proven && ref.Time.Before(since):
			continue
		case f.ReceivedIDs.Recall(ref.ID) != UnknownID || f.HostIDOf(ref.ID) != "":
			continue
		}
		g.unseen = append(g.unseen, ref)
		switch {
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

// listed returns the messages to the customer that a read shows since a time, oldest first.
func (r *Reading) listed(since time.Time) []genesys.MessageRef {
	from := since.Add(-machine.SettlePeriod)
	list := slices.DeleteFunc(slices.Clone(r.Messages), func(ref genesys.MessageRef) bool { return ref.Time.Before(from) })
	slices.SortStableFunc(list, func(a, b genesys.MessageRef) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// MessagesOf lists the messages of agents and flows to the customer. It omits the customer's
// messages and those not sent yet.
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

// Undelivered counts the messages that a read has listed for 2 minutes without a webhook, if no
// later message was delivered.
func (f *Record) Undelivered(kind TaskKind, r *Reading) int {
	if r == nil || r.Err != nil {
		return 0
	}
	if kind == TaskLook {
		return f.GapOf(r, f.Handover.OpeningTriedAt, f.Handover.Listing, false).undelivered
	}
	w := f.NextWatched()
	return f.GapOf(r, w.Since, w.Listing, false).undelivered
}
