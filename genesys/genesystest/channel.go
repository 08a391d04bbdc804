package genesystest

import (
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/coder/websocket"
)

// The limits of the Notifications API.
const (
	channelLife      = 24 * time.Hour
	channelsAtOnce   = 20   // of one OAuth client
	topicsPerChannel = 1000 // of all subscriptions
)

// A channel belongs to the OAuth client; any of its tokens may use it.
type channel struct {
	id            string
	token         *token // that used it last
	used, expires time.Time
	topics        []string // in the order they were asked for
	subscribed    map[string]bool
	socket        *socket // nil: none is connected
}

// addChannel makes a channel, and room for it.
func (o *Org) addChannel(t *token) *channel {
	for len(o.channels) >= channelsAtOnce {
		o.removeChannel(o.evicted(), "another channel was made")
	}
	ch := &channel{id: o.uuid("channel"), subscribed: map[string]bool{}}
	o.channels = append(o.channels, ch)
	o.use(ch, t)
	o.extend(ch)
	o.watchLife(ch)
	return ch
}

// evicted is the channel that has to go: the one whose last use is longest ago, those without a connection first.
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

// use notes who asked for something of a channel. That every request for it counts is UNCERTAIN.
func (o *Org) use(ch *channel, t *token) { ch.token, ch.used = t, time.Now() }

func (o *Org) extend(ch *channel) { ch.expires = now().Add(channelLife) }

func (o *Org) watchLife(ch *channel) {
	o.after(time.Until(ch.expires), func() {
		switch {
		case !slices.Contains(o.channels, ch):
		case time.Now().Before(ch.expires):
			o.watchLife(ch)
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

// channelOf is the channel a request is about, nil if there is none.
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

// connectURI is where the channel's socket is: at the streaming host, or at the server that was asked, if it is a real one.
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
