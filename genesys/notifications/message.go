package notifications

import (
	"encoding/json"
	"errors"

	"github.com/genesyshandover/genesyshandover/webhook"
)

// The topics of Genesys' own:
// https://community.genesys.com/discussion/regarding-the-behavior-of-websocket-heartbeats?hlmlt=VT
const (
	heartbeatTopic = "channel.metadata"         // about every 30 s, and the answer to a ping
	closingTopic   = "v2.system.socket_closing" // maintenance: the socket is closed in about a minute
)

// ping asks for a heartbeat. UNCERTAIN: that it is answered is known, its form from memory.
const ping = `{"message":"ping"}`

// A message is what a reader must do about what came over the socket.
type message struct {
	conversation string // look at it again; empty: nothing
	closing      bool   // the socket is about to be closed
	unreadable   bool
}

// readMessage reads leniently: the topic and the id of a conversation, wherever the event has it. What it does not know
// is nothing to do.
func readMessage(b []byte) message {
	var head struct {
		Topic string `json:"topicName"`
	}
	err := json.Unmarshal(b, &head)
	if _, other := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !other {
		return message{unreadable: true}
	}
	switch head.Topic {
	case heartbeatTopic:
		return message{}
	case closingTopic:
		return message{closing: true}
	}
	// An EventBridge event has the notification as its detail, so it is read alike.
	id, err := webhook.EventBridgeConversation(b)
	if err != nil {
		return message{}
	}
	return message{conversation: id}
}
