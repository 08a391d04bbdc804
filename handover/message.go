package handover

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// A Key names one customer of one channel. At most one session is open per key. In a Manager of one channel an empty
// Channel means its Channel.ID, and that is what is stored. Each part is valid UTF-8 without control characters, Channel at
// most [MaxChannelID] bytes, Customer 1 to [MaxCustomerID]; parts are compared byte by byte.
type Key struct {
	Channel  string `json:"channel,omitempty"`
	Customer string `json:"customer"`
}

// Customer is the key of a customer in a Manager of one channel.
func Customer(id string) Key { return Key{Customer: id} }

// MaxMessage is the most that one [Message] may hold, in bytes of text.
const MaxMessage = 64 << 10

// A Message is what the customer sends. Text and attachments become separate messages on the wire, in order; a text over
// [openmessaging.MaxText] is split, nothing of it is lost.
type Message struct {
	ID          string                     `json:"id"`            // the host's id, required; a repeat is the same message
	Time        time.Time                  `json:"time,omitzero"` // when the customer wrote it; never the wire time
	Text        string                     `json:"text,omitempty"`
	Attachments []openmessaging.Attachment `json:"attachments,omitempty"` // each becomes a message of its own, in order
	Reply       *openmessaging.Reply       `json:"reply,omitempty"`       // the answer to quick replies, buttons, a date picker
}

// Text is a Message of text.
func Text(id, text string) Message { return Message{ID: id, Text: text} }

// validate finds what Genesys would refuse before anything is stored.
func (m Message) validate() error {
	if err := checkID("Message.ID", m.ID); err != nil {
		return err
	}
	switch {
	case m.Text == "" && len(m.Attachments) == 0 && m.Reply == nil:
		return errors.New("handover: Message has no text, attachment or reply: give one")
	case len(m.Text) > MaxMessage:
		return fmt.Errorf("handover: Message.Text has %d bytes, the limit is %d: shorten it or send a file", len(m.Text), MaxMessage)
	case !utf8.ValidString(m.Text):
		return errors.New("handover: Message.Text is not valid UTF-8: convert it")
	case m.Reply != nil && (m.Text != "" || len(m.Attachments) > 0):
		return errors.New("handover: Message.Reply goes alone: send text and attachments as a message of their own")
	}
	return m.validateParts()
}

func (m Message) validateParts() error {
	var errs []error
	for i := range m.parts() {
		if err := m.validatePart(i); err != nil {
			errs = append(errs, fmt.Errorf("handover: Message: %w", err))
		}
	}
	return errors.Join(errs...)
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

// parts is how many messages m is on the wire.
func (m Message) parts() int {
	if m.Reply != nil {
		return 1
	}
	return len(splitText(m.Text)) + len(m.Attachments)
}

// part is the i-th message on the wire, without sender, id and time.
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
	return openmessaging.SplitText(s, openmessaging.MaxText)
}

// maxHostID bounds the ids of messages and requests, in bytes.
const maxHostID = 256

func checkID(field, id string) error {
	if id == "" {
		return fmt.Errorf("handover: %s is empty: give your own id, so that a repeat is known as one", field)
	}
	return checkPart(field, id, 1, maxHostID)
}
