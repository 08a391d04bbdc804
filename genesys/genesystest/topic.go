package genesystest

import (
	"errors"
	"maps"
	"strings"
)

const (
	topicMetadata = "channel.metadata"
	topicClosing  = "v2.system.socket_closing"

	detailPrefix = "v2.detail.events.conversation."
	queuePrefix  = "v2.routing.queues."
	userPrefix   = "v2.users."
)

// knownTopic looks at the shape only: whether the queue or the conversation exists is not asked. Neither combined topics nor
// wildcards are known here, and what the service itself sends needs no subscription
// (https://developer.genesys.cloud/notificationsalerts/notifications/available-topics).
func knownTopic(topic string) bool {
	for _, prefix := range []string{detailPrefix, queuePrefix, userPrefix} {
		if rest, ok := strings.CutPrefix(topic, prefix); ok {
			id, suffix, _ := strings.Cut(rest, ".")
			return id != "" && !strings.ContainsAny(id, "?*{} /") && knownSuffix(prefix, suffix)
		}
	}
	return false
}

func knownSuffix(prefix, suffix string) bool {
	if prefix == detailPrefix {
		switch suffix {
		case "acd.start", "acd.end", "user.start", "user.end", "customer.start", "customer.end", "acw", "wrapup",
			"flow.start", "flow.end", "flow.outcome", "attributes", "contact":
			return true
		}
		return false
	}
	switch suffix {
	case "conversations", "conversations.messages", "conversations.calls", "conversations.callbacks", "conversations.chats",
		"conversations.emails":
		return true
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
