package record

import (
	"fmt"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
)

// goldenRecords are situations a stored record may be in, one a name.
func goldenRecords() map[string]*Record {
	return map[string]*Record{
		"stranger":  goldenNewCustomer(),
		"bot":       recordIn(machine.StateBot),
		"requested": goldenRequested(),
		"queued":    goldenQueued(),
		"alerting":  recordIn(machine.StateAlerting),
		"connected": goldenConnected(),
		"ending":    goldenEnding(),
		"ended":     goldenEnded(),
		"forgotten": goldenForgotten(),
		"memories":  goldenMemories(),
		"unicode":   goldenUnicode(),
		"full":      fullRecord(),
	}
}

// goldenNewCustomer: a person of Genesys wrote, and no handover is known.
func goldenNewCustomer() *Record {
	tx := newTransaction(&Record{Created: 1_700_000_000_000_000, Touched: noon()})
	tx.Notify = false
	tx.AcceptMessage(&openmessaging.Outbound{
		ID: "w1", CustomerID: "customer", ConversationID: "strange", Time: ago(time.Second).Std(), Origin: openmessaging.OriginHuman,
	}, openmessaging.Message{Text: "Are you there?"}, 0)
	tx.ReceivedIDs.Remember("w1", ReceivedID, tx.Now)
	tx.Format = CurrentFormat
	return tx.Record
}

// goldenRequested: the opening is being posted for the first time.
func goldenRequested() *Record {
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID, c.OpeningAcceptedAt, c.LastQueueID, c.QueueID = "", 0, "", ""
	tx := newTransaction(&Record{Format: CurrentFormat, Created: 1, Touched: noon()})
	_, _ = tx.HandOver(c, &Opening{
		Customer: openmessaging.Customer{
			ID: "customer", IDType: openmessaging.IDOpaque, Nickname: "Zoë", FirstName: "Zoë", LastName: "Ångström", Email: "zoe@example.com",
			ImageURL: "https://example.com/zoe.png",
		},
		Texts: []string{"summary", "customer: hello"}, Attributes: map[string]string{"context.tier": "gold", "context.order": "4711"},
	}, machine.Timers{})
	tx.accept(Message{ID: "m1", Text: "one"})
	tx.ForwardedIDs.Remember("m1", forwardedID, tx.Now)
	tx.Leases++
	tx.Out.Lease = Lease{Owner: "replica", N: tx.Leases, Seq: tx.Out.Entries[0].Seq, Until: tx.Now.Add(LeaseTime)}
	return tx.Record
}

// goldenQueued: messages wait, the first after a failure and with a part done.
func goldenQueued() *Record {
	tx := newTransaction(recordIn(machine.StateQueued))
	tx.accept(Message{ID: "m1", Time: ago(time.Second).Std(), Text: "see", Attachments: []openmessaging.Attachment{{
		URL: "https://example.com/a.pdf", MIME: "application/pdf", Filename: "a.pdf", Caption: "the bill",
	}}})
	tx.accept(Message{ID: "m2", Reply: &openmessaging.Reply{InReplyTo: "q1", Kind: openmessaging.ReplyButton, Text: "Yes", Payload: "yes"}})
	w := &tx.Words[0]
	w.Done, w.Attempts, w.First, w.State = 1, 2, noon(), WordUnsure
	tx.Out.Failures, tx.Out.NotBefore = 2, noon().Add(time.Second)
	tx.Handover.PollAt, tx.Handover.PollEvery, tx.Handover.Poll, tx.Handover.ReadAt = noon().Add(5*time.Second), 5*time.Second, true, ago(time.Second)
	tx.Handover.Timers.NoAgent, tx.Handover.Timers.CustomerWarn, tx.Handover.Timers.CustomerIdle, tx.Handover.Timers.AgentIdle = 1, 2, 3, -1
	return tx.Record
}

// goldenConnected has work in both lanes, receipts to send, and messages with an awaited outcome.
func goldenConnected() *Record {
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.accept(Message{ID: "m1", Text: "one"})
	w := &tx.Words[0]
	w.State, w.Done, w.SentAt, w.Conversation = wordSent, 1, ago(2*time.Second), "conversation"
	tx.Sent = []sentID{{Platform: "p1", Host: "m1"}}
	tx.deliver(Delivery{
		ID: "w1", Message: openmessaging.Message{Text: "Choose", Content: openmessaging.Contents{openmessaging.QuickReply{Text: "A", Payload: "a"}}},
		Origin: openmessaging.OriginHuman, Time: ago(time.Second), From: "customer", Session: tx.Handover.Session,
	}, 0)
	tx.Notice(Notice{Kind: machine.NoticeTransferred, From: "agents", To: "billing", Agent: machinetest.Anna(), Detail: "detail", MessageID: "m1"})
	tx.accept(Message{ID: "m2", Text: "two"})
	tx.receipt(Receipt{ID: "w0", Status: openmessaging.StatusFailed, Code: openmessaging.ReasonGeneralError, To: "customer"})
	tx.Leases = 3
	tx.In.Lease = Lease{Owner: "replica a", N: 1, Seq: tx.In.Entries[0].Seq, Until: noon().Add(LeaseTime)}
	tx.Out.Lease = Lease{Owner: "replica b", N: 2, Seq: tx.Words[1].Seq, Until: noon().Add(LeaseTime)}
	tx.Control.Lease = Lease{Owner: "replica b", N: 3, Until: noon().Add(LeaseTime)}
	tx.AddLog("transferred", "read")
	return tx.Record
}

// goldenEnding has a text for the agent that the customer left, and later messages of the customer.
func goldenEnding() *Record {
	tx := newTransaction(recordIn(machine.StateEnding))
	tx.Handover.EndRequestedAt, tx.Handover.LeftSent, tx.Handover.Disconnects = ago(time.Second), true, 3
	tx.Out.Push(Entry{Seq: tx.NextSeq(), Kind: kindLeft, Handover: tx.Handover.ID, At: noon(), HostID: tx.Handover.ID, Wire: tx.wireTime(noon(), 1), Text: "left"})
	tx.accept(Message{ID: "m3", Text: "three"})
	return tx.Record
}

// goldenEnded: a Return is to be repeated, another is pending. Behind them are the past and
// conversations to close.
func goldenEnded() *Record {
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Past = []past{{Session: machinetest.HandoverIn(machine.StateEnded).Session, From: "customer~abcdefghijk2"}}
	tx.Past[0].Session.ID = "zyxwvutsrqp2"
	for i, m := range []Message{{ID: "m1", Text: "one"}, {ID: "m2", Text: "two"}} {
		tx.accept(m)
		tx.Words[i].State, tx.Words[i].Again = []wordState{wordRefused, wordSent}[i], i == 1
	}
	tx.Words[0].Reason, tx.Words[1].SentAt, tx.Words[1].Done, tx.Words[1].Conversation = "refused", noon(), 1, "other"
	tx.close(tx.Handover, "unneeded", true)
	tx.Tidy()
	tx.freeze(&tx.In.Entries[0])
	tx.In.Entries[0].Attempts, tx.In.Entries[0].First = 1, noon()
	tx.accept(Message{ID: "m3", Text: "three"})
	tx.Tidy()
	return tx.Record
}

func goldenForgotten() *Record {
	f := recordIn(machine.StateEnding)
	f.Forget, f.Keep = noon(), time.Hour
	return f
}

// goldenMemories remembers ids of each kind and verdict.
func goldenMemories() *Record {
	f := recordIn(machine.StateEnded)
	f.Handover.HandedBack = true
	for i := range 3 {
		f.ReceivedIDs.Remember(fmt.Sprint("w", i), ReceivedID, noon())
		f.ForwardedIDs.Remember(fmt.Sprint("m", i), forwardedID, noon().Add(time.Duration(i)*time.Minute))
	}
	f.Requests = []requestID{{Hash: hashID("request"), Handover: f.Handover.ID}}
	return f
}

// extremeText has the characters that JSON or a database can get wrong.
const extremeText = "\x00\x01\x1f\x7f\"\\/<>&'\u0085\u00a0\u2028\u2029\ufeff\ufffd\U0001f468\u200d\U0001f469\u200d\U0001f467\u202eRTL\u202c é e\u0301 \U0010ffff שלום 漢字"

func goldenUnicode() *Record {
	tx := newTransaction(recordIn(machine.StateQueued))
	tx.Handover.Agent = machine.Agent{ID: "a1", Name: extremeText}
	tx.Handover.Ending.Detail = extremeText
	tx.accept(Message{ID: "id \U0001f642\u2028", Text: extremeText})
	return tx.Record
}
