package handover

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// A Request is what [Manager.HandOver] and [Manager.Open] are asked for. Genesys needs a first message, so Summary or
// Transcript (or what Config.Compose makes of them) must hold some text.
type Request struct {
	ID         string                 // the host's id, required; a repeat is the same request
	Queue      string                 // exact name or id; empty: the channel's
	Customer   openmessaging.Customer // what the agent sees; its ID is set by the Manager
	Summary    string                 // one or a few sentences for the agent
	Transcript []Line                 // the conversation with the bot
	Attributes map[string]string      // participant data: https://developer.genesys.cloud/commdigital/digital/openmessaging/
	Timers     Timers                 // zero fields: those of the Open that came before, or the channel's
}

// A Line of the conversation with the bot.
type Line struct {
	Speaker Speaker
	Time    time.Time
	Text    string
}

// A Speaker is who said a line.
type Speaker string

// The speakers.
const (
	SpeakerCustomer Speaker = "customer"
	SpeakerBot      Speaker = "bot"
	SpeakerAgent    Speaker = "agent"
)

// The most that is sent to open a conversation, in bytes of text. The default transcript drops its oldest lines beyond it; what
// Config.Compose returns is refused.
const maxOpening = 32 << 10

// defaultCompose is the Summary, then the Transcript as one text.
func defaultCompose(r Request) []string {
	var texts []string
	room := maxOpening
	if r.Summary != "" {
		texts = append(texts, r.Summary)
		room -= len(r.Summary)
	}
	lines := make([]string, 0, len(r.Transcript))
	for _, l := range slices.Backward(r.Transcript) {
		line := string(l.Speaker) + ": " + l.Text
		if room -= len(line) + 1; room < len("[…]\n") {
			lines = append(lines, "[…]")
			break
		}
		lines = append(lines, line)
	}
	slices.Reverse(lines)
	if len(lines) > 0 {
		texts = append(texts, strings.Join(lines, "\n"))
	}
	return texts
}

// An opening is a Request ready for the wire.
type opening struct {
	Customer   openmessaging.Customer `json:"customer"`
	Texts      []string               `json:"texts"`
	Attributes map[string]string      `json:"attributes,omitempty"`
}

// opening composes and checks what is sent first, so that nothing refusable comes after it.
func (r Request) opening(compose func(Request) []string, from string) (*opening, error) {
	if err := checkID("Request.ID", r.ID); err != nil {
		return nil, err
	}
	o := &opening{Customer: r.Customer, Attributes: maps.Clone(r.Attributes)}
	o.Customer.ID, o.Customer.IDType = from, openmessaging.IDOpaque
	size := 0
	for _, text := range compose(r) {
		o.Texts = append(o.Texts, splitText(strings.TrimSpace(text))...)
		size += len(text)
	}
	switch {
	case len(o.Texts) == 0:
		return nil, errors.New("handover: Request has no Summary and no Transcript: Genesys needs a first message, give one of them")
	case size > maxOpening:
		return nil, fmt.Errorf("handover: the opening for the agent has %d bytes, the limit is %d: shorten Request.Summary or what Config.Compose returns",
			size, maxOpening)
	}
	var errs []error
	for i := range o.Texts {
		m := o.part(i)
		m.MessageID, m.Time = "checked", time.Unix(0, 0)
		if err := m.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("handover: Request: %w", err))
		}
	}
	return o, errors.Join(errs...)
}

// part is the i-th message of the opening; attributes ride on the first.
func (o *opening) part(i int) openmessaging.InboundMessage {
	m := openmessaging.InboundMessage{From: o.Customer, Text: o.Texts[i]}
	if i == 0 {
		m.Attributes = o.Attributes
	}
	return m
}
