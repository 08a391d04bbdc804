package notifications

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

const channelLife = 24 * time.Hour // of a channel, from its creation or its last subscription

// A channel is the state that an [Owner] stores. URI is enough to listen to the channel.
type channel struct {
	ID          string    `json:"id"`
	URI         string    `json:"uri"`
	Created     time.Time `json:"created"`
	LifeSeconds float64   `json:"life"` // as Genesys reported at its creation
}

// readChannel parses the state of an [Owner]. It reports false if the state is not usable.
func readChannel(state []byte) (ch channel, ok bool) {
	if json.Unmarshal(state, &ch) != nil || ch.ID == "" || ch.URI == "" {
		return channel{}, false
	}
	return ch, true
}

func (ch channel) state() []byte {
	b, err := json.Marshal(ch)
	// Impossible: LifeSeconds is finite and Created has a year of four digits, see create.
	if err != nil {
		return nil
	}
	return b
}

// renewAfter returns the time until the next subscription: about half of the channel's life, so
// that hours of failures do not lose the channel.
func (ch channel) renewAfter() time.Duration {
	life := channelLife
	if ch.LifeSeconds >= time.Minute.Seconds() && ch.LifeSeconds < channelLife.Seconds() {
		life = time.Duration(ch.LifeSeconds * float64(time.Second))
	}
	return jitter(life / 2)
}

var errAddress = errors.New("notifications: the channel's connectUri is not a wss URL; check the endpoints of the genesys.Client")

// checkAddress returns an error unless the listener may connect to address. The host is
// trusted, because it is from an authenticated answer. The connection must use TLS, except to
// this machine or if the API itself is used without TLS.
func checkAddress(address string, plain bool) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return errAddress
	}
	if u.Scheme == "wss" || u.Scheme == "ws" && (plain || isLoopback(u.Hostname())) {
		return nil
	}
	return errAddress
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

const callTimeout = time.Minute // for one operation with its retries

// api has the operations of the Notifications API. None of them needs a permission
// (https://github.com/MyPureCloud/platform-client-sdk-python/blob/f80f2db2c7/build/docs/NotificationsApi.md).
type api struct{ c *genesys.Client }

func (a api) do(ctx context.Context, r genesys.Request, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return a.c.Do(ctx, r, out)
}

// create makes a channel. It sends one request without retries: a retry after an unknown
// outcome could leave an unused channel.
func (a api) create(ctx context.Context) (channel, error) {
	var made struct {
		ID      string    `json:"id"`
		URI     string    `json:"connectUri"`
		Expires time.Time `json:"expires"`
	}
	err := a.do(ctx, genesys.Request{
		Op: "notifications.channels.create", Method: http.MethodPost, Path: []string{"notifications", "channels"},
	}, &made)
	if err != nil {
		return channel{}, err
	}
	if made.ID == "" || made.URI == "" {
		return channel{}, errors.New("notifications: create a channel: the answer has no id or no connectUri")
	}
	now := time.Now().UTC()
	return channel{ID: made.ID, URI: made.URI, Created: now, LifeSeconds: made.Expires.Sub(now).Seconds()}, nil
}

// verify returns nil if the channel exists.
func (a api) verify(ctx context.Context, id string) error {
	return a.do(ctx, genesys.Request{
		Op: "notifications.channels.head", Method: http.MethodHead, Path: []string{"notifications", "channels", id},
	}, nil)
}

// A topicStatus is the answer of Genesys for one topic of a subscription
// (https://github.com/MyPureCloud/platform-client-sdk-python/blob/f80f2db2c7/build/PureCloudPlatformClientV2/models/channel_topic.py).
type topicStatus struct {
	ID          Topic    `json:"id"`
	State       string   `json:"state,omitempty"` // Permitted or Rejected
	Reason      string   `json:"rejectionReason,omitempty"`
	Permissions []string `json:"missingPermissions,omitempty"`
}

func (v topicStatus) rejected() bool { return strings.EqualFold(v.State, "Rejected") }

// subscribe replaces the topics of the channel, which also extends its life by a day. Without
// ignoreErrors one forbidden topic would make the whole request fail.
func (a api) subscribe(ctx context.Context, id string, topics []Topic) ([]topicStatus, error) {
	body := make([]topicStatus, len(topics))
	for i, t := range topics {
		body[i].ID = t
	}
	var listing struct {
		Entities []topicStatus `json:"entities"`
	}
	err := a.do(ctx, genesys.Request{
		Op: "notifications.subscriptions.replace", Method: http.MethodPut,
		Path:  []string{"notifications", "channels", id, "subscriptions"},
		Query: url.Values{"ignoreErrors": {"true"}}, Body: body,
	}, &listing)
	return listing.Entities, err
}

// unusable reports whether another attempt with this channel is pointless. A status other than
// 404 and 410 counts only for an inherited channel, which may belong to other credentials. For
// a channel made by this process the next one would be refused too.
func unusable(err error, found bool) bool {
	e, ok := errors.AsType[*genesys.Error](err)
	if !ok {
		return false
	}
	switch e.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		return true
	case http.StatusBadRequest, http.StatusForbidden, http.StatusConflict:
		return found
	default:
		return false
	}
}
