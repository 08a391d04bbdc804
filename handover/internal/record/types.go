package record

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// Pending is the error that Deliver returns if the customer's channel reports the outcome of the
// message later.
var Pending = errors.New("handover: pending") //nolint:gochecknoglobals,errname,staticcheck,revive // reads as an outcome: return handover.Pending

// A TypingEvent reports that an agent is typing.
type TypingEvent struct {
	Session  machine.Session // the open session of the customer
	Duration time.Duration   // how long to show it; 0: Genesys sent no duration
}

// Undeliverable returns an error with which Deliver reports a permanent failure.
func Undeliverable(code openmessaging.ReasonCode, err error) error {
	return &UndeliverableError{code: code, err: err}
}

// An UndeliverableError makes a failure of Deliver permanent.
type UndeliverableError struct {
	code openmessaging.ReasonCode
	err  error
}

func (e *UndeliverableError) Error() string {
	if e.err == nil {
		return "handover: undeliverable: " + string(e.code)
	}
	return "handover: undeliverable: " + string(e.code) + ": " + e.err.Error()
}

func (e *UndeliverableError) Unwrap() error { return e.err }

// A Return hands the conversation back to the bot.
type Return struct {
	ID         string
	Attempt    int             // 1 for the first attempt; may be too low after a crash
	Session    machine.Session // Session.Ending has the reason
	Unanswered []Unanswered    // messages that no agent answered, for the bot to answer
}

// An Unanswered is a message of the customer that no agent answered.
type Unanswered struct {
	Message
	Sent   bool   // Genesys may have it; an agent may have read it
	Reason string // why Genesys refused it; empty if it did not
}

// A Notice reports one step of a session, to show to the customer or on a dashboard.
type Notice struct {
	ID      string             `json:"-"`
	Kind    machine.NoticeKind `json:"kind"`
	Session machine.Session    `json:"session"` // after the step
	Time    machine.Time       `json:"time"`
	// NoticeQueued: the estimate of Genesys, or nil.
	Wait *time.Duration `json:"wait,omitempty"`
	// NoticeMessageFailed: the host's id, or Genesys' of an agent's.
	MessageID string        `json:"messageId,omitempty"`
	Agent     machine.Agent `json:"agent,omitzero"`
	// Queue ids, NoticeTransferred; To also NoticeQueued, NoticeMisrouted.
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
	Detail string `json:"detail,omitempty"` // a sentence to read
	// Add it to the role of the OAuth client.
	Permission string `json:"permission,omitempty"`
}

// MaxMessage is the limit of Message.Text, in bytes.
const MaxMessage = 64 << 10

// A Message is a message of the customer. The public type is separate, so that a new field of it
// does not change the stored format.
type Message struct {
	ID          string                     `json:"id"` // of the host
	Time        time.Time                  `json:"time,omitzero"`
	Text        string                     `json:"text,omitempty"`
	Attachments []openmessaging.Attachment `json:"attachments,omitempty"`
	Reply       *openmessaging.Reply       `json:"reply,omitempty"` // the customer's choice
}

// validate returns a [machine.ErrInvalid] for everything that Genesys would refuse.
func (m Message) validate() error {
	if err := machine.CheckPart("Message.ID", m.ID, 1, maxHostID); err != nil {
		return err
	}
	switch {
	case m.Text == "" && len(m.Attachments) == 0 && m.Reply == nil:
		return machine.Invalidf("handover: Message has no Text, no Attachments and no Answer: set one of them")
	case len(m.Text) > MaxMessage:
		return machine.Invalidf("handover: Message.Text has %d bytes, the limit is %d: shorten it or send a file", len(m.Text), MaxMessage)
	case !utf8.ValidString(m.Text):
		return machine.Invalidf("handover: Message.Text is not valid UTF-8: convert it")
	case m.Reply != nil && (m.Text != "" || len(m.Attachments) > 0):
		return machine.Invalidf("handover: Message.Answer is set together with Text or Attachments: send them as a separate message")
	}
	return m.validateParts()
}

// validateParts checks each part in the form in which it is sent.
func (m Message) validateParts() error {
	var errs []error
	texts := m.parts() - len(m.Attachments)
	for i := range m.parts() {
		for _, f := range fieldErrors(m.validatePart(i)) {
			errs = append(errs, fmt.Errorf("handover: Message.%s %s", m.partField(i-texts, f.Field), f.Reason))
		}
	}
	return machine.Invalid(errors.Join(errs...))
}

// partField returns the name in the host's message of a field of the wire. attachment is the index
// of the part's attachment.
func (m Message) partField(attachment int, field string) string {
	switch rest, ok := strings.CutPrefix(field, "Attachment."); {
	case m.Reply != nil:
		return "Answer." + field
	case ok:
		return fmt.Sprintf("Attachments[%d].%s", attachment, rest)
	default:
		return field
	}
}

func (m Message) validatePart(i int) error {
	from := openmessaging.Customer{ID: "checked"}
	if m.Reply != nil {
		r := *m.Reply
		r.From, r.MessageID, r.Time = from, "checked", time.Unix(0, 0)
		return r.Validate()
	}
	w := m.part(i)
	w.From, w.MessageID, w.Time = from, "checked", time.Unix(0, 0)
	return w.Validate()
}

// fieldErrors returns the field errors joined in an error of Validate.
func fieldErrors(err error) []*openmessaging.FieldError {
	var list []*openmessaging.FieldError
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			if f, ok := errors.AsType[*openmessaging.FieldError](e); ok {
				list = append(list, f)
			}
		}
	}
	return list
}

// maxHostID is the limit of the ids of messages and requests, in bytes.
const maxHostID = 256

// A Request is the argument of Manager.HandOver and Manager.Open.
type Request struct {
	ID         string                 // the host's id, required; the same id is the same request
	Queue      string                 // exact name or id; empty: the channel's
	Customer   openmessaging.Customer // what the agent sees; the Manager sets its ID
	Summary    string                 // one or a few sentences for the agent
	Transcript []Line                 // the conversation with the bot
	// Attributes become participant data, which an Architect flow can read.
	// Channel.AttributesLimit limits their size:
	// https://developer.genesys.cloud/commdigital/digital/openmessaging/
	Attributes map[string]string
	Timers     machine.Timers // zero fields: as in the Open before it, or as in the channel
}

// A Line is one message of the conversation with the bot.
type Line struct {
	// ID is the host's id of the customer's message in this line, if it has one. Agents read
	// that message in the transcript, so Forward and Reply store nothing for a message with
	// this id. This applies to the newest 128 customer lines, as long as their ids are
	// remembered. The ids of other speakers are ignored.
	ID      string
	Speaker Speaker
	Time    time.Time
	Text    string
}

// A Speaker is the author of a line.
type Speaker string

// SpeakerCustomer is the only Speaker with a meaning for the engine.
const SpeakerCustomer Speaker = "customer"

// The limits of an opening.
const (
	// maxText is the limit of characters in one message, which openmessaging's Validate checks.
	maxText    = 2000
	maxTexts   = 3
	maxRequest = 256 << 10 // bytes of Summary, Transcript and Attributes

	// DefaultAttributesLimit is conservative: Genesys documents no limit for Open Messaging.
	DefaultAttributesLimit = 2000
)

// cutMark shows the agent where the default opening was cut.
const cutMark = "[…]"

// Check returns the errors that are certain before the opening is composed. The timers of the
// session depend on the record, so the transaction checks them.
func (r Request) Check(attributesLimit int) error {
	size, attributes := len(r.Summary), 0
	for _, l := range r.Transcript {
		size += len(l.Text)
	}
	for k, v := range r.Attributes {
		attributes += len(k) + len(v)
	}
	errs := []error{machine.CheckPart("Request.ID", r.ID, 1, maxHostID), r.Timers.CheckEach("Request.Timers")}
	if size += attributes; size > maxRequest {
		errs = append(errs, fmt.Errorf("handover: Request.Summary, Transcript and Attributes have %d bytes together, the limit is %d: "+
			"leave out the oldest lines of Transcript", size, maxRequest))
	}
	if attributes > attributesLimit {
		errs = append(errs, fmt.Errorf("handover: Request.Attributes has %d bytes in its keys and values, the limit is %d: "+
			"leave out what the flow does not read, or raise Channel.AttributesLimit", attributes, attributesLimit))
	}
	return machine.Invalid(errors.Join(errs...))
}

// ComposeOpening is the default of Config.Compose. It returns the summary, then the newest
// lines of the transcript that fit into the remaining messages.
func ComposeOpening(r Request) []string {
	lines := slices.DeleteFunc(slices.Clone(r.Transcript), func(l Line) bool { return strings.TrimSpace(l.Text) == "" })
	room := maxTexts
	if len(lines) > 0 {
		room-- // at least one message is for the transcript
	}
	texts := composeSummary(strings.TrimSpace(r.Summary), room)
	return append(texts, composeTranscript(lines, maxTexts-len(texts))...)
}

func composeSummary(summary string, room int) []string {
	texts := splitText(summary)
	if len(texts) > room {
		texts = texts[:room]
		texts[room-1] = cutText(texts[room-1], maxText)
	}
	return texts
}

// cutText returns the beginning of s and the mark, together at most limit characters.
func cutText(s string, limit int) string {
	mark := " " + cutMark
	return strings.TrimSpace(openmessaging.SplitText(s, limit-utf8.RuneCountInString(mark))[0]) + mark
}

func composeTranscript(lines []Line, room int) []string {
	capacity := maxText - utf8.RuneCountInString(cutMark+"\n") // leaves space for the mark
	var texts []string                                         // newest first
	cut := false
	for _, l := range slices.Backward(lines) {
		line := l.compose(capacity)
		newest := len(texts) - 1
		if newest >= 0 && utf8.RuneCountInString(texts[newest])+1+utf8.RuneCountInString(line) <= capacity {
			texts[newest] = line + "\n" + texts[newest]
			continue
		}
		if cut = len(texts) == room; cut {
			break
		}
		texts = append(texts, line)
	}
	slices.Reverse(texts)
	if cut {
		texts[0] = cutMark + "\n" + texts[0]
	}
	return texts
}

// compose returns the line with its time, at most limit characters.
func (l Line) compose(limit int) string {
	line := string(l.Speaker) + ": " + strings.TrimSpace(l.Text)
	if !l.Time.IsZero() {
		line = l.Time.Format("15:04") + " " + line
	}
	if utf8.RuneCountInString(line) > limit {
		return cutText(line, limit)
	}
	return line
}

// An Opening is a Request that is ready to be sent.
type Opening struct {
	Customer   openmessaging.Customer `json:"customer"`
	Texts      []string               `json:"texts"`
	Attributes map[string]string      `json:"attributes,omitempty"`

	lines []string // ids of the customer's messages in the transcript, for the memory of ids
}

// Opening checks the composed texts and everything that is sent with them, so that Genesys does
// not refuse them later.
func (r Request) Opening(composed []string, from string) (*Opening, error) {
	o := &Opening{Customer: r.Customer, Attributes: maps.Clone(r.Attributes)}
	for _, l := range r.Transcript {
		if l.ID != "" && l.Speaker == SpeakerCustomer {
			o.lines = append(o.lines, l.ID)
		}
	}
	o.Customer.ID, o.Customer.IDType = from, openmessaging.IDOpaque
	for _, text := range composed {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		o.Texts = append(o.Texts, text)
		if n := utf8.RuneCountInString(text); n > maxText {
			return nil, machine.Invalidf("handover: text %d of Config.Compose has %d characters, the limit is %d: shorten it, or divide it, %d texts at most",
				len(o.Texts), n, maxText, maxTexts)
		}
	}
	switch n := len(o.Texts); {
	case n == 0:
		return nil, machine.Invalidf("handover: Request has no Summary and no Transcript: Genesys needs a first message, set one of them")
	case n > maxTexts:
		return nil, machine.Invalidf("handover: Config.Compose returned %d texts, the limit is %d: join or shorten them", n, maxTexts)
	}
	for i := range o.Texts {
		m := o.part(i)
		m.MessageID, m.Time = "checked", time.Unix(0, 0)
		if err := m.Validate(); err != nil {
			return nil, machine.Invalidf("handover: Request: %w", err)
		}
	}
	return o, nil
}

// part returns the i-th message of the opening. The first one has the attributes.
func (o *Opening) part(i int) openmessaging.InboundMessage {
	m := openmessaging.InboundMessage{From: o.Customer, Text: o.Texts[i]}
	if i == 0 {
		m.Attributes = o.Attributes
	}
	return m
}

// as returns a copy of the opening with another customer id. It never changes o, because a
// transaction may rerun.
func (o *Opening) as(from string) *Opening {
	c := *o
	c.Customer.ID = from
	return &c
}

// parts returns the number of messages that m has on the wire.
func (m Message) parts() int {
	if m.Reply != nil {
		return 1
	}
	return len(splitText(m.Text)) + len(m.Attachments)
}

// part returns the i-th of them, without sender, id and time.
func (m Message) part(i int) openmessaging.InboundMessage {
	texts := splitText(m.Text)
	if i < len(texts) {
		return openmessaging.InboundMessage{Text: texts[i]}
	}
	return openmessaging.InboundMessage{Attachment: &m.Attachments[i-len(texts)]}
}

func splitText(s string) []string {
	if s == "" {
		return nil
	}
	return openmessaging.SplitText(s, maxText)
}
