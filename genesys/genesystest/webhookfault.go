package genesystest

import (
	"net"
	"os"
	"syscall"
	"time"
)

// A WebhookFault is something that goes wrong on the way from Genesys to the webhook, with all attempts of one message.
type WebhookFault struct {
	Times int // how many messages it hits: 0 is one, negative is all of them

	Duplicates int           // as many copies arrive as well, each with its own retries
	Apart      time.Duration // between the copies; 0: all at the same time
	Delay      time.Duration // the first attempt comes that much later; other messages overtake it
	Forge      bool          // signed with a secret that is not the integration's
	Lose       bool          // nothing arrives, in any attempt
}

// InjectWebhook makes the next messages to the webhook fare as f says. Faults are used up in the order they were
// injected, one a message; typing and receipts count too.
func (o *Org) InjectWebhook(f WebhookFault) {
	if f.Times == 0 {
		f.Times = 1
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.webhookFaults = append(o.webhookFaults, &f)
}

// WebhooksDown takes the endpoints of all integrations down: every attempt to post fails as a refused connection does, from
// now on until it is called with false. Genesys tries a message six times, here within 25 s as nothing has to time out, and
// then gives it up.
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
