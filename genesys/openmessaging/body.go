package openmessaging

import "time"

// A Body is one of [Message], [Typing], [Receipt] and [UnknownBody].
//
//sumtype:decl
type Body interface{ body() }

// A Message carries text, content or both. Its JSON is the wire's text and content.
//
// A text that is neither string nor number, which Genesys never sends, becomes an [UnknownContent] in front.
type Message struct {
	Text    string   `json:"text,omitempty"`
	Content Contents `json:"content,omitempty"`
}

// Typing lasts for Duration; there is no "stopped typing". The duration is 0 where Genesys does not say.
type Typing struct{ Duration time.Duration }

// A Receipt is Genesys' word on a message of ours. Status, code and message are kept as they came.
type Receipt struct {
	MessageID string // the platform's id of the message; the Outbound has the same ID
	Status    Status
	Reasons   []Reason
	Final     bool // no other receipt for this message will follow
}

// An UnknownBody is a kind this version does not know or cannot decode; Outbound.Raw has it all.
type UnknownBody struct{ Kind string } // the wire's type, such as Event for an event that is not Typing

func (Message) body()     {}
func (Typing) body()      {}
func (Receipt) body()     {}
func (UnknownBody) body() {}
