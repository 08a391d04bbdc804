package genesystest

import (
	"errors"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// The limits of the Notifications API.
const (
	channelLifetime  = 24 * time.Hour
	channelsAtOnce   = 20   // of one OAuth client
	topicsPerChannel = 1000 // of all subscriptions
)

// A channel belongs to the OAuth client; any token of the client may use it.
type channel struct {
	id            string
	token         *token // the last one that used it
	used, expires time.Time
	topics        []string // in the order of their subscription
	subscribed    map[string]bool
	socket        *socket // nil: not connected
}

// addChannel makes a channel. At the limit it removes another one first.
func (o *Org) addChannel(t *token) *channel {
	for len(o.channels) >= channelsAtOnce {
		o.removeChannel(o.evicted(), "another channel was made")
	}
	ch := &channel{id: o.uuid("channel"), subscribed: map[string]bool{}}
	o.channels = append(o.channels, ch)
	o.use(ch, t)
	o.extend(ch)
	o.planExpiry(ch)
	return ch
}

// evicted returns the channel to remove: the one used least recently, unconnected ones first.
func (o *Org) evicted() *channel {
	return slices.MinFunc(o.channels, func(a, b *channel) int {
		switch {
		case a.socket == nil && b.socket != nil:
			return -1
		case a.socket != nil && b.socket == nil:
			return 1
		default:
			return a.used.Compare(b.used)
		}
	})
}

func (o *Org) removeChannel(ch *channel, why string) {
	o.channels = slices.DeleteFunc(o.channels, func(other *channel) bool { return other == ch })
	if ch.socket != nil {
		ch.socket.close(websocket.StatusGoingAway, why)
	}
}

// use records that a token used a channel. That every request for the channel counts is
// UNCERTAIN.
func (o *Org) use(ch *channel, t *token) { ch.token, ch.used = t, time.Now() }

func (o *Org) extend(ch *channel) { ch.expires = o.now().Add(channelLifetime) }

func (o *Org) planExpiry(ch *channel) {
	o.after(ch.expires.Sub(o.now()), func() {
		switch {
		case !slices.Contains(o.channels, ch):
		case o.now().Before(ch.expires):
			o.planExpiry(ch)
		default:
			o.removeChannel(ch, "the channel has expired")
		}
	})
}

func (o *Org) channelByID(id string) *channel {
	for _, ch := range o.channels {
		if ch.id == id {
			return ch
		}
	}
	return nil
}

// channelOf returns the channel in the path of a request, or nil.
func (o *Org) channelOf(c *call) *channel {
	ch := o.channelByID(c.vars["channel"])
	if ch != nil {
		o.use(ch, c.token)
	}
	return ch
}

func (ch *channel) add(topics []string) {
	for _, topic := range topics {
		if !ch.subscribed[topic] {
			ch.subscribed[topic] = true
			ch.topics = append(ch.topics, topic)
		}
	}
}

func (ch *channel) clear() {
	ch.topics = nil
	clear(ch.subscribed)
}

// connectURI returns the address of the channel's socket: at the streaming host, or at the server
// of the request if that is a real one.
func (o *Org) connectURI(r *http.Request, ch *channel) string {
	name, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		name = r.Host
	}
	path := "/channels/" + ch.id
	switch {
	case o.owns(name):
		return "wss://streaming." + o.opt.region.Domain() + path
	case r.TLS != nil:
		return "wss://" + r.Host + path
	default:
		return "ws://" + r.Host + path
	}
}

type channelBody struct {
	ID         string `json:"id,omitempty"`
	ConnectURI string `json:"connectUri,omitempty"`
	Expires    string `json:"expires"`
}

// entities is a list without pages.
type entities[T any] struct {
	Entities []T `json:"entities"`
}

func (o *Org) channelBody(c *call, ch *channel) channelBody {
	return channelBody{ID: ch.id, ConnectURI: o.connectURI(c.request, ch), Expires: stamp(ch.expires)}
}

// postChannel is POST /notifications/channels.
func (o *Org) postChannel(c *call) answer {
	return answerOK(o.channelBody(c, o.addChannel(c.token)))
}

// listChannels is GET /notifications/channels. Of the channels of other tokens it shows only the
// expiry.
func (o *Org) listChannels(c *call) answer {
	which := c.request.URL.Query().Get("includechannels")
	if which == "" {
		which = "token"
	}
	var k checks
	k.oneOf(which, "includechannels", "token", "oauthclient")
	if k.wrong != nil {
		return *k.wrong
	}
	out := entities[channelBody]{Entities: []channelBody{}}
	for _, ch := range o.channels {
		switch {
		case ch.token == c.token:
			out.Entities = append(out.Entities, o.channelBody(c, ch))
		case which == "oauthclient":
			out.Entities = append(out.Entities, channelBody{Expires: stamp(ch.expires)})
		}
	}
	return answerOK(out)
}

// headChannel is HEAD /notifications/channels/{id}.
func (o *Org) headChannel(c *call) answer {
	if o.channelOf(c) == nil {
		return notFound("channel")
	}
	return answer{status: http.StatusOK}
}

const (
	topicPermitted = "Permitted"
	topicRejected  = "Rejected"
)

// topicBody is a ChannelTopic, also in requests.
type topicBody struct {
	ID                 string   `json:"id"`
	State              string   `json:"state,omitempty"`
	RejectionReason    string   `json:"rejectionReason,omitempty"`
	MissingPermissions []string `json:"missingPermissions,omitempty"`
	SelfURI            string   `json:"selfUri,omitempty"`
}

// getSubscriptions is GET /notifications/channels/{id}/subscriptions. A rejected topic is not
// subscribed and not listed.
func (o *Org) getSubscriptions(c *call) answer {
	ch := o.channelOf(c)
	if ch == nil {
		return notFound("channel")
	}
	out := entities[topicBody]{Entities: []topicBody{}}
	for _, topic := range ch.topics {
		out.Entities = append(out.Entities, topicBody{ID: topic, State: topicPermitted})
	}
	return answerOK(out)
}

// postSubscriptions adds topics.
func (o *Org) postSubscriptions(c *call) answer { return o.subscribe(c, false) }

// putSubscriptions replaces all topics.
func (o *Org) putSubscriptions(c *call) answer { return o.subscribe(c, true) }

// deleteSubscriptions removes all topics. Its success status is UNCERTAIN: the definition has
// none.
func (o *Org) deleteSubscriptions(c *call) answer {
	ch := o.channelOf(c)
	if ch == nil {
		return notFound("channel")
	}
	ch.clear()
	return answer{status: http.StatusNoContent}
}

// subscribe answers with the topics of the request, not with all topics of the channel. Which of
// the two Genesys does is UNCERTAIN.
func (o *Org) subscribe(c *call, replace bool) answer {
	var in []topicBody
	if wrong := decodeBody(c, &in); wrong != nil {
		return *wrong
	}
	ignore := c.request.URL.Query().Get("ignoreErrors")
	var k checks
	if ignore != "" {
		k.oneOf(ignore, "ignoreErrors", "true", "false")
	}
	for _, t := range in {
		if !knownTopic(t.ID) {
			k.refuse("bad.request", "id", "is %q, which is not a topic of the API", t.ID)
		}
	}
	if k.wrong != nil {
		return *k.wrong
	}
	ch := o.channelOf(c)
	if ch == nil {
		return notFound("channel")
	}
	results, permitted, lack := o.checkTopics(in)
	if len(lack) > 0 && ignore != "true" {
		return allOf(lack...).refusal(lack)
	}
	if !replace {
		permitted = append(slices.Clone(ch.topics), permitted...)
	}
	if n := distinct(permitted); n > topicsPerChannel {
		return badRequest("bad.request", "", "A channel has at most %d topics, the request makes %d", topicsPerChannel, n)
	}
	ch.clear()
	ch.add(permitted)
	o.extend(ch)
	return answerOK(entities[topicBody]{results})
}

// checkTopics returns the result for each topic, the permitted topics, and the permissions that
// are missing for all of them together.
func (o *Org) checkTopics(in []topicBody) (results []topicBody, permitted, lack []string) {
	results = []topicBody{}
	for _, t := range in {
		missing := o.opt.topicNeed(t.ID).missing(o.permissions)
		if missing == nil {
			permitted = append(permitted, t.ID)
			results = append(results, topicBody{ID: t.ID, State: topicPermitted})
			continue
		}
		results = append(results, topicBody{
			ID: t.ID, State: topicRejected, MissingPermissions: missing,
			RejectionReason: "The role lacks a required permission: " + strings.Join(missing, ", "),
		})
		for _, name := range missing {
			if !slices.Contains(lack, name) {
				lack = append(lack, name)
			}
		}
	}
	return results, permitted, lack
}

func distinct(topics []string) int {
	seen := map[string]bool{}
	for _, topic := range topics {
		seen[topic] = true
	}
	return len(seen)
}

const (
	topicMetadata = "channel.metadata"
	topicClosing  = "v2.system.socket_closing"

	detailPrefix = "v2.detail.events.conversation."
	queuePrefix  = "v2.routing.queues."
	userPrefix   = "v2.users."
)

// knownTopic checks only the form of a topic, not whether its queue or conversation exists. It
// knows no combined topics and no wildcards. Topics that the service itself sends need no
// subscription
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

// topicPermissions returns the defaults of WithTopicPermissions.
func topicPermissions() map[string][]string {
	return map[string][]string{
		detailPrefix: {"analytics:conversationDetail:view"},
		queuePrefix:  {"routing:queue:view"},
	}
}

// WithTopicPermissions sets the permissions that a subscription to topics with this prefix needs:
// all of them, or none. The longest matching prefix applies. Which permissions Genesys needs is
// UNCERTAIN. By default "v2.detail.events.conversation." needs analytics:conversationDetail:view,
// which the setup guide does not ask for, "v2.routing.queues." needs routing:queue:view, and
// other topics need none.
func WithTopicPermissions(prefix string, permissions ...string) Option {
	return func(s *settings) error {
		if prefix == "" {
			return errors.New("WithTopicPermissions: the prefix is empty; use the beginning of a topic")
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
