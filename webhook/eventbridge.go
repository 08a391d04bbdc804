package webhook

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// A bridgeEvent is what matters of an EventBridge event. Genesys puts a notification into "detail":
// https://github.com/GenesysCloudBlueprints/genesys-cloud-event-streaming-blueprint/blob/973b8bd/src/test/resources/input/aws-event-bridge-conversation-end-event.json
type bridgeEvent struct {
	Topic  string       `json:"detail-type"` // with {id} for the id
	Detail bridgeDetail `json:"detail"`
	bridgeDetail
}

type bridgeDetail struct {
	TopicName string     `json:"topicName"`
	EventBody bridgeBody `json:"eventBody"`
}

type bridgeBody struct {
	ID             string `json:"id"`
	ConversationID string `json:"conversationId"`
	Conversation   struct {
		ID string `json:"id"`
	} `json:"conversation"`
}

// EventBridgeConversation returns the conversation of an Amazon EventBridge event of Genesys Cloud, to be given to a
// Manager's Recheck. It takes the whole event as AWS hands it to a target, or its "detail" alone, and reads, in this
// order: the conversationId of the event body (detail events such as v2.detail.events.conversation.{id}.user.end), its
// conversation.id, its own id where the topic is about conversations (v2.routing.queues.{id}.conversations…,
// v2.users.{id}.conversations…), and the id in the topic's name.
//
// An event without any, or with something that is no conversation id, is an error that wraps [ErrNoConversation]; what is
// not a JSON object is a [*DecodeError]. Neither repeats the event. Events are not signed: AWS permissions decide who may
// put them on the bus. It is safe for concurrent use.
//
// About the integration: https://developer.genesys.cloud/notificationsalerts/notifications/event-bridge
func EventBridgeConversation(event []byte) (conversationID string, err error) {
	var e bridgeEvent
	err = json.Unmarshal(event, &e)
	if _, other := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !other {
		return "", &DecodeError{Err: err}
	}
	// A member of another type is left out: which members there are depends on the topic.
	id := cmp.Or(e.Detail.conversation(e.Topic), e.conversation(e.Topic))
	if id == "" && err != nil {
		return "", &DecodeError{Err: err}
	}
	if !isConversationID(id) {
		return "", fmt.Errorf("%w in the EventBridge event: neither in detail.eventBody nor in detail.topicName", ErrNoConversation)
	}
	return id, nil
}

// EventBridgeEnded reports whether an event says that the customer's leg of a conversation has ended, as
// v2.detail.events.conversation.{id}.customer.end does: then it is for a Manager's Ended. user.end does not: a reject, a requeue and
// a transfer send it, too. What cannot be read has not ended.
func EventBridgeEnded(event []byte) bool {
	var e bridgeEvent
	_ = json.Unmarshal(event, &e) // as far as it can be read
	topic := cmp.Or(e.Detail.TopicName, e.TopicName, e.Topic)
	return strings.HasPrefix(topic, "v2.detail.events.conversation.") && strings.HasSuffix(topic, ".customer.end")
}

func (d bridgeDetail) conversation(topic string) string {
	topic = cmp.Or(d.TopicName, topic)
	id := cmp.Or(d.EventBody.ConversationID, d.EventBody.Conversation.ID)
	if id == "" && isSnapshot(topic) {
		id = d.EventBody.ID
	}
	return cmp.Or(id, topicConversation(topic))
}

// isSnapshot says whether the event body is a conversation itself; elsewhere its id is something else's.
func isSnapshot(topic string) bool {
	return strings.Contains(topic, ".conversations") &&
		(strings.HasPrefix(topic, "v2.routing.queues.") || strings.HasPrefix(topic, "v2.users."))
}

// topicConversation returns the id in v2.detail.events.conversation.<id>.… and v2.conversations.<id>.….
func topicConversation(topic string) string {
	rest, ok := strings.CutPrefix(topic, "v2.detail.events.conversation.")
	if !ok {
		if rest, ok = strings.CutPrefix(topic, "v2.conversations."); !ok {
			return ""
		}
	}
	id, _, more := strings.Cut(rest, ".")
	if !more || id == "{id}" {
		return ""
	}
	return id
}
