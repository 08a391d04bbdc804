package handover

import (
	"context"
	"net/http"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// Receive accepts a post of Genesys; it is a webhook.HandlerFunc. It returns nil if the post is
// stored or needs no storing. After an error Genesys should post it again. Repeats are recognized
// by their id. A message whose customer id cannot be part of a [Key] is refused: Genesys gets a
// Failed receipt, the host a notice, and the error is nil.
func (m *Manager) Receive(ctx context.Context, n webhook.Notification) error {
	return m.engine.Receive(ctx, n)
}

// Client returns a client for a channel. In a Manager of one channel the empty name selects it. The
// client shares the token, the rate limit and the connections of the Manager, which counts its
// calls. It retries as [Config.ClientOptions] specify, by default as package genesys does. Channels
// with the same credentials get the same client.
//
// Errors: [ErrNoChannel], the error of [Config.Channels], an invalid [Channel].
func (m *Manager) Client(ctx context.Context, channel string) (*genesys.Client, error) {
	return m.engine.Client(ctx, channel)
}

// Verifier makes the Manager a webhook.Keyring: the path value "channel", or the one channel.
func (m *Manager) Verifier(r *http.Request) (*webhook.Verifier, error) {
	return m.engine.Verifier(r)
}

// Refresh is called by webhook.NewHandler after a signature that did not match, because the secret
// may just have been rotated. It calls Config.Channels at most once in 10 seconds for a channel.
func (m *Manager) Refresh(r *http.Request) (*webhook.Verifier, error) {
	return m.engine.Refresh(r)
}

// Delivered reports that a message for which Deliver returned [Pending] has reached the customer.
// Genesys gets a Delivered receipt, unless Channel.Receipts excludes it. Delivered returns when the
// report is stored. A repeated call, an unknown id, a message that already has its receipt and a
// call after 10 minutes change nothing and return nil. Delivered may be called before Deliver has
// returned: then the message is not delivered again, regardless of the result of Deliver.
//
// Errors: ErrInvalid for an unusable key, ErrNoChannel, ErrBusy, and those of Config.Channels and
// the Store. Safe for concurrent use.
func (m *Manager) Delivered(ctx context.Context, k Key, deliveryID string) error {
	return m.engine.Delivered(ctx, k.internal(), deliveryID)
}

// Fail reports that the customer's channel refused a message: one for which Deliver returned
// [Pending], or one that it had accepted. If the message has no final receipt yet, Genesys gets a
// Failed receipt with the reason, addressed to the customer id of the message. In any case a
// NoticeMessageFailed follows. Fail returns when the report is stored. A repeated call and an
// unknown id change nothing and return nil. Fail may be called before Deliver has returned: then
// the message is not delivered again, regardless of the result of Deliver.
//
// A message has its final receipt once Deliver returned nil (unless Channel.Receipts is
// ReceiptsFailures), after Delivered, or when the report arrived later than 10 minutes after
// [Pending].
//
// Errors: ErrInvalid for an unusable key, ErrNoChannel, ErrBusy, and those of the Store. Safe for
// concurrent use.
func (m *Manager) Fail(ctx context.Context, k Key, deliveryID string, code openmessaging.ReasonCode) error {
	return m.engine.Fail(ctx, k.internal(), deliveryID, code)
}

// Recheck schedules a read of a conversation that may have changed. A signal may be wrong, so only
// the read changes the session. An unknown conversation is not an error. An empty conversationID
// schedules a read of all open sessions, within the share that polls have of the rate limit. Such a
// sweep begins at most once a minute. Errors: ErrBusy, the error of ctx, and those of the Store.
// Safe for concurrent use.
func (m *Manager) Recheck(ctx context.Context, conversationID string) error {
	return m.engine.Recheck(ctx, conversationID)
}

// Ended reports that the customer's leg of a conversation ended at a time, by the clock of Genesys
// (customer.end, not user.end, which a reject and a transfer also send). It ends a session only if
// the conversation may not be read. Otherwise it has the effect of Recheck.
//
// A report applies to the session that was open on that conversation at that time, never to a later
// one, because sources repeat events. It has no effect if an agent writes after that time. A report
// with a zero time applies when the first one arrives. For the next 15 minutes, further ones apply
// only to the same session. So pass the time if the source has it, as [webhook.EventBridgeEvent]
// does.
//
// With a channel, only records of that channel are affected; an empty channel means any. An unknown
// conversation is not an error. Errors: ErrBusy, the error of ctx, and those of the Store. Safe for
// concurrent use.
func (m *Manager) Ended(ctx context.Context, channel, conversationID string, at time.Time) error {
	return m.engine.Ended(ctx, channel, conversationID, at)
}
