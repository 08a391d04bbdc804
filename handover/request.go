package handover

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// A Request is the argument of [Manager.HandOver] and [Manager.Open]. Genesys needs a first
// message, so Summary, Transcript or the result of Config.Compose must contain some text.
// Summary, Transcript and Attributes have at most 256 KiB together.
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
	Timers     Timers // zero fields: as in the Open before it, or as in the channel
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

// The values of Speaker.
const (
	SpeakerCustomer Speaker = "customer"
	SpeakerBot      Speaker = "bot"
	SpeakerAgent    Speaker = "agent"
)

// An Opening is the argument of Config.Compose: a request with its key and its channel.
// Key.Channel is empty only if Config.Channels serves a channel without a name.
type Opening struct {
	Key     Key
	Channel Channel
	Request Request
}
