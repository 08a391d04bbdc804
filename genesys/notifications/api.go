package notifications

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

const callTime = time.Minute // of one operation, repeats included

// api has the operations of the Notifications API, none of which asks for a permission:
// https://github.com/MyPureCloud/platform-client-sdk-python/blob/f80f2db2c7/build/docs/NotificationsApi.md
type api struct{ c *genesys.Client }

func (a api) do(ctx context.Context, r genesys.Request, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return a.c.Do(ctx, r, out)
}

// create makes a channel. It is sent once: a repeat after an unknown outcome would leave a channel that nobody uses.
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
		return channel{}, errors.New("notifications: Genesys made a channel without an id or an address")
	}
	now := time.Now().UTC()
	return channel{ID: made.ID, URI: made.URI, Created: now, Life: made.Expires.Sub(now).Seconds()}, nil
}

// verify is nil if the channel is there.
func (a api) verify(ctx context.Context, id string) error {
	return a.do(ctx, genesys.Request{
		Op: "notifications.channels.head", Method: http.MethodHead, Path: []string{"notifications", "channels", id},
	}, nil)
}

// A verdict is what Genesys makes of one topic:
// https://github.com/MyPureCloud/platform-client-sdk-python/blob/f80f2db2c7/build/PureCloudPlatformClientV2/models/channel_topic.py
type verdict struct {
	ID          Topic    `json:"id"`
	State       string   `json:"state,omitempty"` // Permitted or Rejected
	Reason      string   `json:"rejectionReason,omitempty"`
	Permissions []string `json:"missingPermissions,omitempty"`
}

func (v verdict) rejected() bool { return strings.EqualFold(v.State, "Rejected") }

// subscribe replaces the channel's topics, which also lets it live for another day. Without ignoreErrors one topic that
// is forbidden would be the end of all.
func (a api) subscribe(ctx context.Context, id string, topics []Topic) ([]verdict, error) {
	body := make([]verdict, len(topics))
	for i, t := range topics {
		body[i].ID = t
	}
	var listing struct {
		Entities []verdict `json:"entities"`
	}
	err := a.do(ctx, genesys.Request{
		Op: "notifications.subscriptions.replace", Method: http.MethodPut,
		Path:  []string{"notifications", "channels", id, "subscriptions"},
		Query: url.Values{"ignoreErrors": {"true"}}, Body: body,
	}, &listing)
	return listing.Entities, err
}

// unusable: is it pointless to try this channel again? A refusal other than "not found" counts only for one that
// was found and not made here, as it might belong to other credentials; a new one would be refused likewise.
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
