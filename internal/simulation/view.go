package simulation

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A view is what the checks read of a stored record: on their own, so that what the engine believes of it does not matter.
type view struct {
	Format   int        `json:"format"`
	Now      *viewCore  `json:"now"`
	Past     []viewPast `json:"past"`
	Next     *struct{}  `json:"next"`
	Out      viewLane   `json:"out"`
	In       viewLane   `json:"in"`
	Control  viewLane   `json:"control"`
	Tail     []viewItem `json:"tail"`
	Dead     []viewItem `json:"dead"`
	Held     []viewHeld `json:"held"`
	Receipts []struct{} `json:"receipts"`
	Adopt    *struct{}  `json:"adopt"`
	Check    *struct{}  `json:"check"`
	Forget   time.Time  `json:"forget"`
	NewTop   *mark      `json:"newTop"`
}

type viewCore struct {
	ID           string          `json:"id"`
	State        handover.State  `json:"state"`
	Request      string          `json:"request"`
	Conversation string          `json:"conversationId"`
	Connected    time.Time       `json:"connected"`
	Changed      time.Time       `json:"changed"`
	Ending       handover.Ending `json:"ending"`
	Asked        time.Time       `json:"asked"`
	Started      time.Time       `json:"started"`
	Tried        time.Time       `json:"tried"`
	PollAt       time.Time       `json:"pollAt"`
	Transferred  time.Time       `json:"transferred"`
	EndAsked     time.Time       `json:"endAsked"`
	MovedTo      string          `json:"movedTo"`
	NewPart      *mark           `json:"newPart"`
}

func (c *viewCore) open() bool { return c != nil && c.State != "" && c.State != handover.StateEnded }

// agents reports whether the agents have the word.
func (c *viewCore) agents() bool { return c.open() && c.State != handover.StateBot }

type viewPast struct {
	Session struct {
		ID    string         `json:"id"`
		State handover.State `json:"state"`
	} `json:"session"`
}

// ended reports whether a handover is among the past ones, and over.
func (v *view) ended(id string) bool {
	return slices.ContainsFunc(v.Past, func(p viewPast) bool { return p.Session.ID == id && p.Session.State == handover.StateEnded })
}

// newLife reports whether a handover follows one that was ending when the customer asked to be forgotten: its end is not kept
// among the past ones, nothing of it is.
func (v *view) newLife(before *view) bool {
	return !before.Forget.IsZero() && v.Forget.IsZero() && before.Now.State == handover.StateEnding && before.Next != nil
}

type viewLane struct {
	Entries []viewEntry `json:"entries"`
	Lease   struct {
		Owner string    `json:"owner"`
		N     uint64    `json:"n"`
		Seq   uint64    `json:"seq"`
		Until time.Time `json:"until"`
	} `json:"lease"`
	NotBefore time.Time `json:"notBefore"`
}

type viewEntry struct {
	Seq       uint64      `json:"seq"`
	Kind      string      `json:"kind"`
	Handover  string      `json:"handover"`
	At        time.Time   `json:"at"`
	NotBefore time.Time   `json:"notBefore"`
	Maybe     bool        `json:"maybe"`
	Message   *viewID     `json:"message"`
	Delivery  *viewSaid   `json:"delivery"`
	Notice    *viewNotice `json:"notice"`
	First     time.Time   `json:"first"`
	Attempts  int         `json:"attempts"`
	Back      []viewBack  `json:"back"`
	NewPart   *mark       `json:"newPart"`
}

type viewSaid struct {
	ID         string    `json:"id"`
	Time       time.Time `json:"time"`
	OutOfOrder bool      `json:"outOfOrder"`
	Message    struct {
		Text string `json:"text"`
	} `json:"message"`
}

type viewNotice struct {
	Kind       handover.NoticeKind `json:"kind"`
	Detail     string              `json:"detail"`
	Permission string              `json:"permission"`
}

type viewID struct {
	ID string `json:"id"`
}

type viewItem struct {
	Message viewID `json:"message"`
}

type viewBack struct {
	ID   string `json:"id"`
	Sent bool   `json:"sent"`
}

type viewHeld struct {
	Unanswered viewBack `json:"u"`
}

// read decodes a record, tolerantly.
func (w *world) read(r handover.Record) *view {
	v := &view{}
	if err := json.Unmarshal(r.Data, v); err != nil {
		w.fail("what is stored is JSON", r.Key.Customer, "%v", err)
	}
	return v
}

// places counts where each message of the customer is.
func (v *view) places() map[string]int {
	at := map[string]int{}
	for _, x := range v.Out.Entries {
		if x.Message != nil {
			at[x.Message.ID]++
		}
	}
	for _, x := range v.Tail {
		at[x.Message.ID]++
	}
	for _, x := range v.Dead {
		at[x.Message.ID]++
	}
	for _, x := range v.Held {
		at[x.Unanswered.ID]++
	}
	for _, x := range v.In.Entries {
		for _, u := range x.Back {
			at[u.ID]++
		}
	}
	return at
}

// work says what is left to do, "" if nothing is.
func (v *view) work() string {
	switch {
	case len(v.Out.Entries) > 0:
		return "something waits for Genesys"
	case len(v.In.Entries) > 0:
		return "something waits for the host"
	case len(v.Held) > 0:
		return "something waits for a Return"
	case len(v.Receipts) > 0:
		return "a receipt waits"
	case v.Next != nil:
		return "a handover waits for the one before"
	case v.Adopt != nil:
		return "a message that came without a handover waits for a read"
	case v.Now.open():
		return "a session is open"
	case v.Check != nil:
		return "a last look at a conversation that ended waits"
	case !v.Forget.IsZero():
		return "a customer is to be forgotten"
	default:
		return ""
	}
}
