package notifications

import (
	"errors"
	"fmt"
	"strings"
)

// MaxTopics is how many topics one channel takes; Genesys answers 400 beyond it.
//
// See https://github.com/MyPureCloud/platform-client-sdk-python/blob/f80f2db2c7/build/docs/NotificationsApi.md
const MaxTopics = 1000

// maxTopic is far above the longest topic there is.
const maxTopic = 512

// A Topic is a name of the Notifications API, such as "v2.routing.queues.<id>.conversations.messages". Any topic may be
// listed; only events that name a conversation are passed on. [New] checks its form, Genesys whether it exists and is
// permitted.
//
// All topics: https://github.com/MyPureCloud/platform-client-sdk-go/blob/62dc270ead/notificationMappings.json
type Topic string

// QueueMessages is v2.routing.queues.{id}.conversations.messages: a snapshot of each message conversation of a queue
// whenever something in it changes. It is the topic for a handover: one for each queue that agents answer from, however
// many conversations there are.
//
// A conversation that is transferred to another queue is announced on that queue's topic from then on, so list every agent
// queue a conversation can come into. Which permission it asks for is UNCERTAIN; a rejection names it.
func QueueMessages(queueID string) Topic {
	return Topic("v2.routing.queues." + queueID + ".conversations.messages")
}

// UserMessages is v2.users.{id}.conversations.messages: a snapshot of each message conversation of an agent whenever
// something in it changes, from ringing to wrap-up. It follows the agent through all queues and tells nothing of the time
// in a queue. Which permission it asks for is UNCERTAIN; a rejection names it.
func UserMessages(userID string) Topic {
	return Topic("v2.users." + userID + ".conversations.messages")
}

// ConversationEnd is v2.detail.events.conversation.{id}.customer.end: the customer's part of one conversation has ended.
// Such a topic serves a single conversation, so a [Listener], whose topics are fixed, has little use for it; [MaxTopics]
// bounds how many there can be. It seems to need Analytics > Conversation Detail > View (UNCERTAIN:
// https://docs.cognigy.com/ai/escalate/handover-reference/genesys-cloud-open-messaging/ asks for it, Microsoft's sample
// does not).
func ConversationEnd(conversationID string) Topic {
	return Topic("v2.detail.events.conversation." + conversationID + ".customer.end")
}

// check says what is wrong with the form. Names of several topics in one, "v2.users.x?presence&station", pass.
func (t Topic) check() error {
	switch {
	case len(t) > maxTopic:
		return fmt.Errorf("it has %d bytes, at most %d are allowed", len(t), maxTopic)
	case !strings.HasPrefix(string(t), "v2."):
		return errors.New(`it must begin with "v2."`)
	case strings.Contains(string(t), "{"):
		return errors.New("it still has a placeholder in braces: put the id there")
	}
	for part := range strings.SplitSeq(string(t), ".") {
		if part == "" {
			return errors.New("a part between two dots is empty: is an id missing?")
		}
	}
	for i := range len(t) {
		if c := t[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("._-:?&", rune(c)) {
			return errors.New("it has a character that no topic has: letters, digits and ._-:?& are allowed")
		}
	}
	return nil
}

// checkTopics returns the topics without repeats, in order.
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
		return nil, errors.New("notifications: New: no topics: give at least one, such as QueueMessages(queueID)")
	case len(out) > MaxTopics:
		errs = append(errs, fmt.Errorf("notifications: New: %d topics, a channel of Genesys takes %d at most: "+
			"use one QueueMessages for each queue instead of topics for each conversation", len(out), MaxTopics))
	}
	return out, errors.Join(errs...)
}

// shown is what a log line may have of a topic: queues by their id, conversations and users without.
func (t Topic) shown() string {
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
