package genesystest

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

const (
	topicMetadata = "channel.metadata"
	topicClosing  = "v2.system.socket_closing"

	detailPrefix = "v2.detail.events.conversation."
	queuePrefix  = "v2.routing.queues."
	userPrefix   = "v2.users."
)

// Topics of both kinds of owner, and of the details of one conversation
// (https://developer.genesys.cloud/notificationsalerts/notifications/available-topics). Neither combined topics nor
// wildcards are known here, and what the service itself sends needs no subscription.
func topicSuffixes() map[string][]string {
	conversations := []string{"conversations", "conversations.messages", "conversations.calls", "conversations.callbacks",
		"conversations.chats", "conversations.emails"}
	return map[string][]string{
		queuePrefix: conversations,
		userPrefix:  conversations,
		detailPrefix: {
			"acd.start", "acd.end", "user.start", "user.end", "customer.start", "customer.end", "acw", "wrapup",
			"flow.start", "flow.end", "flow.outcome", "attributes", "contact",
		},
	}
}

// knownTopic looks at the shape only: whether the queue or the conversation exists is not asked.
func knownTopic(topic string) bool {
	for prefix, suffixes := range topicSuffixes() {
		rest, ok := strings.CutPrefix(topic, prefix)
		if !ok {
			continue
		}
		id, suffix, ok := strings.Cut(rest, ".")
		return ok && id != "" && !strings.ContainsAny(id, "?*{} /") && slices.Contains(suffixes, suffix)
	}
	return false
}

// topicPermissions are the defaults of WithTopicPermissions.
func topicPermissions() map[string][]string {
	return map[string][]string{
		detailPrefix: {"analytics:conversationDetail:view"},
		queuePrefix:  {"routing:queue:view"},
	}
}

// WithTopicPermissions says what the role needs to subscribe to notification topics that begin with prefix: all of the
// permissions; none lets everybody. The longest prefix that fits decides. Which permissions Genesys asks for is UNCERTAIN;
// by default "v2.detail.events.conversation." needs analytics:conversationDetail:view, which the setup guide does not give,
// "v2.routing.queues." routing:queue:view, and other topics nothing.
func WithTopicPermissions(prefix string, permissions ...string) Option {
	return func(s *settings) error {
		if prefix == "" {
			return errors.New("WithTopicPermissions: the prefix is empty")
		}
		s.topics = maps.Clone(s.topics)
		s.topics[prefix] = permissions
		return nil
	}
}

func (s settings) topicNeed(topic string) need {
	best := ""
	for prefix := range s.topics {
		if strings.HasPrefix(topic, prefix) && len(prefix) > len(best) {
			best = prefix
		}
	}
	return allOf(s.topics[best]...)
}
