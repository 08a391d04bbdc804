package notifications

import (
	"errors"
	"fmt"
	"strings"
)

// MaxTopics is the maximum number of topics in one channel. Genesys answers 400 for more.
//
// See
// https://github.com/MyPureCloud/platform-client-sdk-python/blob/f80f2db2c7/build/docs/NotificationsApi.md
const MaxTopics = 1000

// maxTopicBytes is far longer than the longest topic of Genesys.
const maxTopicBytes = 512

// A Topic is the name of a topic of the Notifications API, such as
// "v2.routing.queues.<id>.conversations.messages". Any topic may be used, but only events with
// the id of a conversation are passed on. [New] checks its form. Genesys checks whether it
// exists and is permitted.
//
// All topics:
// https://github.com/MyPureCloud/platform-client-sdk-go/blob/62dc270ead/notificationMappings.json
type Topic string

// QueueMessages returns v2.routing.queues.{id}.conversations.messages. It has a snapshot of
// each message conversation in the queue after every change. Use it for a handover: one topic
// for each queue that agents answer from, for any number of conversations.
//
// After a transfer, the events of a conversation are on the topic of its new queue, so list
// every agent queue that a conversation can reach. The permission it needs is UNCERTAIN; a
// rejection names it.
func QueueMessages(queueID string) Topic {
	return Topic("v2.routing.queues." + queueID + ".conversations.messages")
}

// UserMessages returns v2.users.{id}.conversations.messages. It has a snapshot of each message
// conversation of the agent after every change, from ringing to wrap-up and in all queues. It
// has no events from the time in a queue. The permission it needs is UNCERTAIN; a rejection
// names it.
func UserMessages(userID string) Topic {
	return Topic("v2.users." + userID + ".conversations.messages")
}

// ConversationEnd returns v2.detail.events.conversation.{id}.customer.end: the end of the
// customer's participation in one conversation. The topics of a [Listener] are fixed and
// limited to [MaxTopics], so it is rarely useful there. It seems to need Analytics >
// Conversation Detail > View. This is UNCERTAIN:
// https://docs.cognigy.com/ai/escalate/handover-reference/genesys-cloud-open-messaging/
// requires it, a sample of Microsoft does not.
func ConversationEnd(conversationID string) Topic {
	return Topic("v2.detail.events.conversation." + conversationID + ".customer.end")
}

// check returns an error if the form is wrong. It accepts combined topics such as
// "v2.users.x?presence&station".
func (t Topic) check() error {
	switch {
	case len(t) > maxTopicBytes:
		return fmt.Errorf("it has %d bytes; the limit is %d", len(t), maxTopicBytes)
	case !strings.HasPrefix(string(t), "v2."):
		return errors.New(`it must begin with "v2."`)
	case strings.Contains(string(t), "{"):
		return errors.New("it has a placeholder in braces; replace it with the id")
	}
	for part := range strings.SplitSeq(string(t), ".") {
		if part == "" {
			return errors.New("a part between two dots is empty; check for a missing id")
		}
	}
	for i := range len(t) {
		if c := t[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("._-:?&", rune(c)) {
			return errors.New("it has a character that is not allowed; use only letters, digits and ._-:?&")
		}
	}
	return nil
}

// checkTopics returns the topics in order and without duplicates.
func checkTopics(topics []Topic) ([]Topic, error) {
	seen := make(map[Topic]bool, len(topics))
	var out []Topic
	var errs []error
	for i, t := range topics {
		if err := t.check(); err != nil {
			errs = append(errs, fmt.Errorf("notifications: New: topic %d: %w", i, err))
		} else if !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	switch {
	case len(topics) == 0:
		return nil, errors.New("notifications: New: no topics; pass at least one, such as QueueMessages(queueID)")
	case len(out) > MaxTopics:
		errs = append(errs, fmt.Errorf("notifications: New: %d topics; the limit of a channel is %d, "+
			"use one QueueMessages for each queue instead of a topic for each conversation", len(out), MaxTopics))
	}
	return out, errors.Join(errs...)
}

// redacted returns the topic for log lines: with the id of a queue, without the id of a
// conversation or user.
func (t Topic) redacted() string {
	for _, prefix := range []string{"v2.detail.events.conversation.", "v2.conversations.", "v2.users."} {
		if rest, ok := strings.CutPrefix(string(t), prefix); ok {
			if i := strings.IndexAny(rest, ".?"); i >= 0 {
				return prefix + "{id}" + rest[i:]
			}
			return prefix + "{id}"
		}
	}
	return string(t)
}
