package webhook

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A bridgeEvent is what matters of an EventBridge event. Genesys puts a notification into "detail":
// https://github.com/GenesysCloudBlueprints/genesys-cloud-event-streaming-blueprint/blob/973b8bd/src/test/resources/input/aws-event-bridge-conversation-end-event.json
type bridgeEvent struct {
	Topic  string          `json:"detail-type"` // with {id} for the id
	Time   json.RawMessage `json:"time"`        // when AWS got the event
	Detail bridgeDetail    `json:"detail"`
	bridgeDetail
}

type bridgeDetail struct {
	TopicName string     `json:"topicName"`
	EventBody bridgeBody `json:"eventBody"`
}

type bridgeBody struct {
	ID             string          `json:"id"`
	ConversationID string          `json:"conversationId"`
	EventTime      json.RawMessage `json:"eventTime"` // of detail events: milliseconds since 1970
	Conversation   struct {
		ID string `json:"id"`
	} `json:"conversation"`
}

// An EventBridgeEvent is what an Amazon EventBridge event of Genesys Cloud says about a
// conversation.
type EventBridgeEvent struct {
	ConversationID string

	// Time is when the event happened; zero if the event has no time. Detail events state it
	// exactly. For other events it is when AWS received them.
	Time time.Time

	// CustomerEnded reports that the customer's leg ended, as
	// v2.detail.events.conversation.{id}.customer.end does: pass it to a Manager's Ended. Pass
	// every other event to Recheck. A user.end is not an end of the conversation: a reject, a
	// requeue and a transfer send it too.
	CustomerEnded bool
}

// ParseEventBridge reads an Amazon EventBridge event of Genesys Cloud. It accepts the whole event,
// as AWS passes it to a target, or its "detail" alone. The conversation id is the first of these:
//
//   - the conversationId of the event body (detail events such as
//     v2.detail.events.conversation.{id}.user.end);
//   - its conversation.id;
//   - its own id, where the topic is about conversations (v2.routing.queues.{id}.conversations…,
//     v2.users.{id}.conversations…);
//   - the id in the topic's name.
//
// An event without a conversation id, or with a value that cannot be one, is an error that wraps
// [ErrNoConversation]. An event that is not a JSON object is a [*DecodeError]. Neither error
// repeats the event. A time that cannot be read is zero. Events are not signed: AWS permissions
// decide who may put them on the bus. ParseEventBridge is safe for concurrent use.
//
// About the integration:
// https://developer.genesys.cloud/notificationsalerts/notifications/event-bridge
func ParseEventBridge(event []byte) (EventBridgeEvent, error) {
	var e bridgeEvent
	err := json.Unmarshal(event, &e)
	if _, other := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !other {
		return EventBridgeEvent{}, &DecodeError{Err: err}
	}
	// A member of another type is ignored: which members exist depends on the topic.
	id := cmp.Or(e.Detail.conversation(e.Topic), e.conversation(e.Topic))
	if id == "" && err != nil {
		return EventBridgeEvent{}, &DecodeError{Err: err}
	}
	if !isConversationID(id) {
		return EventBridgeEvent{}, fmt.Errorf("%w in the EventBridge event: neither in detail.eventBody nor in detail.topicName",
			ErrNoConversation)
	}
	topic := cmp.Or(e.Detail.TopicName, e.TopicName, e.Topic)
	return EventBridgeEvent{
		ConversationID: id,
		Time:           firstTime(e.Detail.EventBody.EventTime, e.EventBody.EventTime, e.Time),
		CustomerEnded: strings.HasPrefix(topic, "v2.detail.events.conversation.") &&
			strings.HasSuffix(topic, ".customer.end"),
	}, nil
}

// firstTime returns the first value that is a time, or zero.
func firstTime(values ...json.RawMessage) time.Time {
	for _, v := range values {
		if t, err := parseTime(v); err == nil && !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// maxMillis is the end of the year 9999.
const maxMillis = 253_402_300_799_999

// parseTime reads a JSON value that is a time: milliseconds since 1970, as a number or as text, or
// RFC 3339. A missing or empty value is the zero time.
func parseTime(v json.RawMessage) (time.Time, error) {
	text := strings.Trim(string(v), `"`)
	if text == "" || text == "null" {
		return time.Time{}, nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > 0 && ms <= maxMillis {
		return time.UnixMilli(ms).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New("webhook: a time must be RFC 3339 or milliseconds since 1970")
	}
	return t.UTC(), nil
}

func (d bridgeDetail) conversation(topic string) string {
	topic = cmp.Or(d.TopicName, topic)
	id := cmp.Or(d.EventBody.ConversationID, d.EventBody.Conversation.ID)
	if id == "" && isSnapshot(topic) {
		id = d.EventBody.ID
	}
	return cmp.Or(id, topicConversation(topic))
}

// isSnapshot says whether the event body is a conversation itself; elsewhere its id is something
// else's.
func isSnapshot(topic string) bool {
	return strings.Contains(topic, ".conversations") &&
		(strings.HasPrefix(topic, "v2.routing.queues.") || strings.HasPrefix(topic, "v2.users."))
}

// topicConversation returns the id in v2.detail.events.conversation.<id>.… and
// v2.conversations.<id>.….
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
