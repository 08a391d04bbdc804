package genesystest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// Genesys waits 10 s for the webhook's answer and tries 5 more times, 5 s apart, after a timeout, 429 or 5xx
// (https://developer.genesys.cloud/commdigital/digital/openmessaging/validate.html). A connection that fails is not
// mentioned there; it counts as a timeout here.
const (
	webhookTimeout = 10 * time.Second
	webhookPause   = 5 * time.Second
	webhookTries   = 6
)

// A Delivery is one attempt to post to the webhook.
type Delivery struct {
	Time           time.Time // when it began
	Duration       time.Duration
	MessageID      string
	ConversationID string
	Attempt        int // from 1
	Status         int // 0: no answer
	Err            error
	Body           []byte
}

// Deliveries lists every attempt to post to the webhook that has ended, in order of their ends.
func (o *Org) Deliveries() []Delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.deliveries)
}

// post brings a body to the webhook, with retries, beside everything else. Call it with the lock.
func (o *Org) post(c *Conversation, id string, body []byte) {
	if c.via.hook == nil {
		return
	}
	f := o.takeWebhookFault()
	start := o.slot()
	for i := range 1 + f.Duplicates {
		o.after(start+f.Delay+time.Duration(i)*f.Apart, func() {
			o.spawn(func(ctx context.Context) { o.deliver(ctx, c, id, body, f) })
		})
	}
}

// slot says when the next message sets off: a millisecond after the one before. What is sent at once would otherwise
// arrive in any order, even where nothing goes wrong, and a bubble's clock makes a great deal happen at once.
func (o *Org) slot() time.Duration {
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
	h, secret, down := c.via.hook, c.via.secret, o.webhooksDown
	if f.Forge {
		secret = o.hex("forged-secret", 48)
	}
	o.mu.Unlock()
	d := Delivery{Time: time.Now(), MessageID: id, ConversationID: c.id, Body: body}
	if f.Lose || h == nil {
		d.Err = errors.New("genesystest: lost by a fault, or closed")
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

// delivered notes an attempt. After the last one that failed Genesys makes a failure receipt for the sender
// (https://developer.genesys.cloud/commdigital/digital/openmessaging/inboundReceiptMessages).
func (o *Org) delivered(c *Conversation, d Delivery, last bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deliveries = append(o.deliveries, d)
	if last && (d.Status < 200 || d.Status > 299) && !o.closed {
		o.failed(c, d.MessageID)
	}
	o.broadcast()
}

// failed gives a message up. Typing and receipts are none.
func (o *Org) failed(c *Conversation, id string) {
	m := o.messages[id]
	if m == nil || m.inbound() {
		return
	}
	if m.status == "Sent" {
		m.status, m.reason = "Failed", "GeneralError"
	}
	if customer := c.customerLeg(); customer != nil && o.opt.fragile {
		o.end(c, customer, byError)
		o.touch(c)
	}
}
