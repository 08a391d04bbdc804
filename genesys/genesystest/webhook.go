package genesystest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/genesyshandover/genesyshandover/internal/memnet"
)

// hook is the target of an integration's webhooks.
type hook struct {
	client *http.Client
	url    string
	server *memnet.Server // for a handler in this process
}

func (h *hook) close() {
	if h.server != nil {
		_ = h.server.Close()
	}
	h.client.CloseIdleConnections()
}

// localHook posts to a handler in this process.
func localHook(h http.Handler, path string) *hook {
	server := memnet.Serve(h)
	return &hook{client: webhookClient(server), url: "https://bot.example" + path, server: server}
}

// remoteHook posts to a real address.
func remoteHook(url string) *hook { return &hook{client: webhookClient(&http.Transport{}), url: url} }

// webhookClient follows no redirect: a 3xx is a failure.
func webhookClient(t http.RoundTripper) *http.Client {
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// recoverPanics reports a panic of the program's handler and breaks the connection. It reads the
// body first, because a server notices a disconnected client only after that, and a handler may
// wait for the end of its context.
func (o *Org) recoverPanics(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				o.refuse("the webhook handler panicked: %v", v)
			}
			panic(http.ErrAbortHandler)
		}()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.ServeHTTP(w, r)
	})
}

func (h *hook) post(ctx context.Context, body []byte, secret string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Hub-Signature-256", sign(body, secret))
	res, err := h.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, err
}

// sign returns the signature of a webhook: standard Base64 of HMAC-SHA256 over the bytes of the
// body.
func sign(body []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Genesys waits 10 s for the webhook's answer and makes 5 more attempts, 5 s apart, after a
// timeout, 429 or 5xx
// (https://developer.genesys.cloud/commdigital/digital/openmessaging/validate.html). The page
// does not mention failed connections. Here they count as timeouts.
const (
	webhookTimeout = 10 * time.Second
	webhookPause   = 5 * time.Second
	webhookTries   = 6
)

// A Delivery is one attempt to post to the webhook.
type Delivery struct {
	Time           time.Time // when it began, by the host's clock
	Duration       time.Duration
	MessageID      string
	ConversationID string
	Attempt        int // from 1
	Status         int // 0: no answer
	Err            error
	Body           []byte
}

// Deliveries returns the finished attempts to post to the webhook, in the order in which they
// finished.
func (o *Org) Deliveries() []Delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.deliveries)
}

// post sends a body to the webhook in the background, with retries. The caller holds the lock.
func (o *Org) post(c *Conversation, id string, body []byte) {
	if c.integration.hook == nil {
		return
	}
	f := o.takeWebhookFault()
	start := o.postDelay()
	for i := range 1 + f.Duplicates {
		o.after(start+f.Delay+time.Duration(i)*f.Apart, func() {
			o.spawn(func(ctx context.Context) { o.deliver(ctx, c, id, body, f) })
		})
	}
}

// postDelay returns when the next webhook starts: at least a millisecond after the previous one.
// Otherwise webhooks sent at the same time would arrive in any order, and in a synctest bubble
// many are sent at the same time.
func (o *Org) postDelay() time.Duration {
	at := time.Now()
	if next := o.lastPost.Add(time.Millisecond); next.After(at) {
		at = next
	}
	o.lastPost = at
	return time.Until(at)
}

func (o *Org) deliver(ctx context.Context, c *Conversation, id string, body []byte, f WebhookFault) {
	for try := 1; try <= webhookTries; try++ {
		if try > 1 && !pause(ctx.Done(), webhookPause) {
			return
		}
		d := o.attempt(ctx, c, id, body, f)
		d.Attempt = try
		again := d.Status == 0 || d.Status == http.StatusTooManyRequests || d.Status >= 500
		ended := ctx.Err() != nil
		o.delivered(c, d, !again || try == webhookTries)
		if ended || !again {
			return
		}
	}
}

func (o *Org) attempt(ctx context.Context, c *Conversation, id string, body []byte, f WebhookFault) Delivery {
	o.mu.Lock()
	h, secret, down := c.integration.hook, c.integration.secret, o.webhooksDown
	if f.Forge {
		secret = o.hexID("forged-secret", 48)
	}
	o.mu.Unlock()
	d := Delivery{Time: time.Now(), MessageID: id, ConversationID: c.id, Body: body}
	if f.Lose || h == nil {
		d.Err = errors.New("genesystest: lost by a fault, or the organisation is closed")
		return d
	}
	if down {
		d.Err = refusedWebhook()
		return d
	}
	ctx, cancel := context.WithTimeout(ctx, webhookTimeout)
	defer cancel()
	d.Status, d.Err = h.post(ctx, body, secret)
	d.Duration = time.Since(d.Time)
	return d
}

// delivered records an attempt. After the last failed attempt Genesys makes a failure receipt for
// the sender
// (https://developer.genesys.cloud/commdigital/digital/openmessaging/inboundReceiptMessages).
func (o *Org) delivered(c *Conversation, d Delivery, last bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deliveries = append(o.deliveries, d)
	if last && (d.Status < 200 || d.Status > 299) && !o.closed {
		o.failMessage(c, d.MessageID)
	}
	o.broadcast()
}

// failMessage marks a message to the customer as failed. Typing and receipts are not messages.
func (o *Org) failMessage(c *Conversation, id string) {
	m := o.messages[id]
	if m == nil || m.inbound() {
		return
	}
	if m.status == "Sent" {
		m.status, m.reason = "Failed", "GeneralError"
	}
	if customer := c.customerLeg(); customer != nil && o.opt.fragile {
		o.end(c, customer, disconnectError)
		o.touch(c)
	}
}

// A WebhookFault makes all attempts to post a message to the webhook fail.
type WebhookFault struct {
	Times int // number of messages that fail: 0 means one, negative means all

	Duplicates int           // number of additional copies, each with separate retries
	Apart      time.Duration // time between the copies; 0: all at the same time
	Delay      time.Duration // delay of the first attempt, so that other messages overtake it
	Forge      bool          // sign with a secret that is not the integration's
	Lose       bool          // no attempt arrives
}

// InjectWebhook applies f to the next messages to the webhook. Each message uses up one fault, in
// the order in which the faults were injected. Typing and receipts count as messages.
func (o *Org) InjectWebhook(f WebhookFault) {
	if f.Times == 0 {
		f.Times = 1
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.webhookFaults = append(o.webhookFaults, &f)
}

// WebhooksDown makes the endpoints of all integrations refuse connections, until it is called
// with false. Genesys makes six attempts, which take 25 s here because no attempt has to time
// out. Then the message has failed.
func (o *Org) WebhooksDown(down bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.webhooksDown = down
}

func refusedWebhook() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

func (o *Org) takeWebhookFault() WebhookFault {
	if len(o.webhookFaults) == 0 {
		return WebhookFault{}
	}
	f := o.webhookFaults[0]
	if f.Times > 0 {
		if f.Times--; f.Times == 0 {
			o.webhookFaults = o.webhookFaults[1:]
		}
	}
	return *f
}
