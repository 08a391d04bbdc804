package handover

import (
	"time"
)

// An Observation is one finished operation, for metrics. Each attempt is a separate Observation. It
// contains no content and no customer id, unless the host's error in Err does. Op and Channel have
// low cardinality.
type Observation struct {
	Op string // one of the Op constants
	// The host's id of the channel; empty if the Manager knows that there is none of that name.
	Channel  string
	Duration time.Duration
	Err      error // nil, or the reason of the failure; a panic of a callback is an error, too
}

// The calls of the host.
const (
	OpForward      = "forward"
	OpReply        = "reply"    // without the time of say
	OpHandOver     = "handover" // Compose and the look-up of queues included
	OpOpen         = "open"     // likewise
	OpEnd          = "end"
	OpTyping       = "typing" // a typing event to Genesys; not observed where it is dropped
	OpAvailability = "availability"
)

// The webhooks of Genesys, by their content.
const (
	OpReceiveMessage = "receive.message"
	OpReceiveTyping  = "receive.typing" // Config.Typing included
	OpReceiveReceipt = "receive.receipt"
	OpReceiveUnknown = "receive.unknown" // a kind that this release does not know, or no customer
	// A message that was dropped because it is too old to be new.
	OpReplay = "replay"
)

// The callbacks of the host.
const (
	OpDelivery = "delivery" // Config.Deliver, and the receipt that follows
	OpNotice   = "notice"   // Config.Notify
	OpReturn   = "return"   // Config.Return
)

// The calls to Genesys, where they are not a part of another operation.
const (
	OpSendOpen    = "send.open"    // a message that opens the conversation
	OpSendContext = "send.context" // the texts of a HandOver after an Open
	OpSendMessage = "send.message" // a message of the customer
	// The customer's answer to quick replies, buttons or a date picker.
	OpSendReply  = "send.reply"
	OpSendLeft   = "send.left" // Channel.LeftText
	OpReceipt    = "receipt"
	OpTransfer   = "transfer"
	OpDisconnect = "disconnect"
	OpFetch      = "fetch" // agents' messages without a webhook
)

// The tasks that follow from the state of a session. Their calls to Genesys are observed, too.
const (
	OpTaskLook    = "task.look"    // reads the conversation, then transfers or disconnects it
	OpTaskReceipt = "task.receipt" // repeats a receipt
	// Reads another conversation of the customer, and adopts or disconnects it.
	OpTaskWatch = "task.watch"
)
