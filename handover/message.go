package handover

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// A Key identifies one customer of one channel. At most one session is open per key. In a Manager
// of one channel an empty Channel means Config.Channel.ID, which is stored in the records. Each
// part is valid UTF-8 without control characters. Channel has at most [MaxChannelID] bytes,
// Customer 1 to [MaxCustomerID]. Parts are compared byte by byte.
type Key struct {
	Channel  string
	Customer string
}

// Customer returns the key of a customer in a Manager of one channel.
func Customer(id string) Key { return Key{Customer: id} }

// MaxMessage is the limit of Message.Text, in bytes.
const MaxMessage = record.MaxMessage // 64 KiB

// A Message is a message of the customer. It has text, attachments or both; or it has only an
// Answer. The text and each attachment are separate messages in Genesys, in this order. A text
// of more than 2,000 characters is split into several messages, without loss.
type Message struct {
	// ID is the host's id of the message: 1 to 256 bytes without control characters. A message
	// with the same ID is a duplicate of the first one, even with another content.
	ID          string
	Time        time.Time                  // when it was written; not sent
	Text        string                     // at most MaxMessage bytes
	Attachments []openmessaging.Attachment // links to files that Genesys can fetch
	Answer      *Answer                    // the customer's choice
}

// An Answer is the customer's choice in an agent's message, for example a quick reply, a button
// of a card, or a date. All fields are required.
type Answer struct {
	// InReplyTo is the Delivery.ID of the message that offered the choice. Genesys adds the
	// answer to that message's conversation.
	InReplyTo string
	Kind      openmessaging.ReplyKind
	Text      string // the chosen label, for the agent to read
	Payload   string // the payload of the button, unchanged
}

// Text returns a Message with an id and a text.
func Text(id, text string) Message { return Message{ID: id, Text: text} }
