package handover

import (
	"fmt"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// goldenFiles are situations a stored record may be in, one a name.
func goldenFiles() map[string]*file {
	return map[string]*file{
		"stranger":  goldenStranger(),
		"bot":       fileIn(StateBot),
		"requested": goldenRequested(),
		"queued":    goldenQueued(),
		"alerting":  fileIn(StateAlerting),
		"connected": goldenConnected(),
		"ending":    goldenEnding(),
		"ended":     goldenEnded(),
		"forgotten": goldenForgotten(),
		"memories":  goldenMemories(),
		"unicode":   goldenUnicode(),
		"full":      fullFile(),
	}
}

// writes puts a message of the customer into the lane to Genesys.
func writes(e *edit, m Message) {
	kind := kindMessage
	if m.Reply != nil {
		kind = kindReply
	}
	e.Now.CustomerAt = e.now
	e.Out.push(entry{
		Seq: e.next(), Kind: kind, Handover: e.Now.ID, At: e.now, HostID: m.ID, Wire: e.wireTime(e.now, m.parts()), Message: &m,
	})
}

// goldenStranger: a person of Genesys wrote, and no handover is known.
func goldenStranger() *file {
	e := newEdit(&file{Created: 1_700_000_000_000_000, Touched: noon()})
	e.notify = false
	e.hear(&openmessaging.Outbound{
		ID: "w1", CustomerID: "customer", ConversationID: "strange", Time: ago(time.Second), Origin: openmessaging.OriginHuman,
	}, openmessaging.Message{Text: "Are you there?"}, time.Time{})
	e.Heard.remember("w1", heard, e.now)
	e.Format = fileFormat
	return e.file
}

// goldenRequested: the opening is being posted for the first time.
func goldenRequested() *file {
	c := coreIn(StateRequested)
	c.ConversationID, c.Accepted, c.StoodIn, c.QueueID = "", time.Time{}, "", ""
	e := newEdit(&file{Format: fileFormat, Created: 1, Touched: noon()})
	e.handOver(c, &opening{
		Customer: openmessaging.Customer{
			ID: "customer", IDType: openmessaging.IDOpaque, Nickname: "Zoë", FirstName: "Zoë", LastName: "Ångström", Email: "zoe@example.com",
			ImageURL: "https://example.com/zoe.png",
		},
		Texts: []string{"summary", "customer: hello"}, Attributes: map[string]string{"context.tier": "gold", "context.order": "4711"},
	}, Timers{})
	writes(e, Text("m1", "one"))
	e.Said.remember("m1", toAgent, e.now)
	e.Leases++
	e.Out.Lease = lease{Owner: "replica", N: e.Leases, Seq: e.Out.Entries[0].Seq, Until: e.now.Add(leaseTime)}
	return e.file
}

// goldenQueued: messages wait, the first after a failure and with a part done.
func goldenQueued() *file {
	e := newEdit(fileIn(StateQueued))
	writes(e, Message{ID: "m1", Time: ago(time.Second), Text: "see", Attachments: []openmessaging.Attachment{{
		URL: "https://example.com/a.pdf", MIME: "application/pdf", Filename: "a.pdf", Caption: "the bill",
	}}})
	writes(e, Message{ID: "m2", Reply: &openmessaging.Reply{InReplyTo: "q1", Kind: openmessaging.ReplyButton, Text: "Yes", Payload: "yes"}})
	x := &e.Out.Entries[0]
	x.Done, x.Attempts, x.First, x.Maybe = 1, 2, noon(), true
	e.Out.Failures, e.Out.NotBefore = 2, noon().Add(time.Second)
	e.Now.PollAt, e.Now.PollEvery, e.Now.Poll, e.Now.ReadAt = noon().Add(5*time.Second), 5*time.Second, true, ago(time.Second)
	e.Now.Timers.NoAgent, e.Now.Timers.CustomerWarn, e.Now.Timers.CustomerIdle, e.Now.Timers.AgentIdle = 1, 2, 3, -1
	return e.file
}

// goldenConnected: both lanes at work, receipts to send, messages whose answer is awaited.
func goldenConnected() *file {
	e := newEdit(fileIn(StateConnected))
	e.Tail = []sent{{Message: Text("m1", "one"), Handover: e.Now.ID, Seq: e.next(), At: ago(2 * time.Second)}}
	e.Sent = []sentID{{Platform: "p1", Host: "m1"}}
	e.deliver(delivery{
		ID: "w1", Message: openmessaging.Message{Text: "Choose", Content: openmessaging.Contents{openmessaging.QuickReply{Text: "A", Payload: "a"}}},
		Origin: openmessaging.OriginHuman, Time: ago(time.Second), From: "customer", Session: e.Now.Session,
	}, time.Time{})
	e.notice(Notice{Kind: NoticeTransferred, From: "agents", To: "billing", Agent: anna(), Detail: "detail", MessageID: "m1"})
	writes(e, Text("m2", "two"))
	e.receipt(receipt{ID: "w0", Status: openmessaging.StatusFailed, Code: openmessaging.ReasonGeneralError, To: "customer"})
	e.Leases = 3
	e.In.Lease = lease{Owner: "replica a", N: 1, Seq: e.In.Entries[0].Seq, Until: noon().Add(leaseTime)}
	e.Out.Lease = lease{Owner: "replica b", N: 2, Seq: e.Out.Entries[0].Seq, Until: noon().Add(leaseTime)}
	e.Control.Lease = lease{Owner: "replica b", N: 3, Until: noon().Add(leaseTime)}
	e.note(e.now, "transferred", "read")
	return e.file
}

// goldenEnding: the agent is told that the customer left, and the next handover waits.
func goldenEnding() *file {
	e := newEdit(fileIn(StateEnding))
	e.Now.EndAsked, e.Now.LeftSent, e.Now.Disconnects = ago(time.Second), true, 3
	e.Out.push(entry{Seq: e.next(), Kind: kindLeft, Handover: e.Now.ID, At: noon(), HostID: e.Now.ID, Wire: e.wireTime(noon(), 1), Text: "left"})
	c := coreIn(StateRequested)
	c.ID, c.Request, c.ConversationID = "bcdefghijkl3", "request 2", ""
	e.handOver(c, &opening{Texts: []string{"again"}}, Timers{})
	e.hold(Unanswered{Message: Text("m3", "three")}, e.next())
	return e.file
}

// goldenEnded: the hand-back waits, behind it the past, conversations to clean up and what Genesys refused.
func goldenEnded() *file {
	f := fileIn(StateEnded)
	f.Dead = []dead{{Message: Text("m1", "one"), Seq: f.next(), Handover: f.Now.ID, Reason: "refused"}}
	f.Tail = []sent{{Message: Text("m2", "two"), Handover: f.Now.ID, Seq: f.next(), At: noon()}}
	f.Past = []past{{Session: coreIn(StateEnded).Session, From: "customer~abcdefghijk2"}}
	f.Past[0].Session.ID = "zyxwvutsrqp2"
	e := newEdit(f)
	e.orphan("orphan")
	e.tidy()
	return e.file
}

func goldenForgotten() *file {
	f := fileIn(StateEnding)
	f.Forget, f.Keep = noon(), time.Hour
	return f
}

// goldenMemories remembers ids of each kind and verdict.
func goldenMemories() *file {
	f := fileIn(StateEnded)
	f.Now.HandedBack = true
	for i := range 3 {
		f.Heard.remember(fmt.Sprint("w", i), heard, noon())
		f.Said.remember(fmt.Sprint("m", i), toAgent, noon().Add(time.Duration(i)*time.Minute))
	}
	f.Requests = []requestID{{Hash: hashID("request"), Handover: f.Now.ID}}
	return f
}

// extremeText is what a customer can write, and JSON or a database can get wrong.
const extremeText = "\x00\x01\x1f\x7f\"\\/<>&'\u0085\u00a0\u2028\u2029\ufeff\ufffd\U0001f468\u200d\U0001f469\u200d\U0001f467\u202eRTL\u202c é e\u0301 \U0010ffff שלום 漢字"

func goldenUnicode() *file {
	e := newEdit(fileIn(StateQueued))
	e.Now.Agent = Agent{ID: "a1", Name: extremeText}
	e.Now.Ending.Detail = extremeText
	writes(e, Text("id \U0001f642\u2028", extremeText))
	return e.file
}
