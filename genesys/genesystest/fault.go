package genesystest

import (
	"net/http"
	"time"
)

// A Fault makes requests to Genesys fail. Its fields select what happens:
//
//   - only Op or Method: status 503, no effect;
//   - Status: that status, no effect; with After, the effect happens first;
//   - Drop: the connection is refused and the request is not sent; with After, the effect happens
//     and the connection breaks without an answer. On a real socket (Handler) the connection
//     breaks in both cases;
//   - After alone: as Drop with After;
//   - Delay: the request waits that long before anything else happens, and has no effect if the
//     client disconnects first. With After, the effect happens at once and the answer waits. Delay
//     alone leads to the normal answer;
//   - Stale: a read of a conversation returns the state of that long ago;
//   - Header: the answer has these headers instead of its normal ones. Header alone leads to the
//     normal answer, so that any answer can carry any Inin-Ratelimit-Reset.
//
// http.Transport repeats a GET if a reused connection breaks. A program does not notice such a
// fault unless Times covers the repetitions.
//
// The operation "notifications.connect" is the connection of a notification socket. Status and
// Drop refuse it, Delay delays it, After has no meaning.
type Fault struct {
	Op     string // as in Request.Op; empty: every operation
	Method string // empty: every method
	Times  int    // number of requests that fail: 0 means one, negative means all

	Status     int
	After      bool // the effect happens, the answer is lost
	RetryAfter time.Duration
	Delay      time.Duration
	Drop       bool
	Stale      time.Duration
	Header     http.Header // a header without values is left out of the answer
}

// Inject makes the next request that matches f fail as f describes. Each request uses up one
// fault, in the order in which the faults were injected.
func (o *Org) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	if f.After && f.Status == 0 && f.Delay == 0 {
		f.Drop = true
	}
	if f.Status == 0 && !f.Drop && f.Delay == 0 && f.Stale == 0 && f.Header == nil {
		f.Status = http.StatusServiceUnavailable
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.faults = append(o.faults, &f)
}

// ClearFaults removes the faults that are not used up, also those of InjectWebhook.
func (o *Org) ClearFaults() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.faults, o.webhookFaults = nil, nil
}

func (f *Fault) refusesDial() bool { return f.Drop && !f.After }

// takeFault uses up the first fault that matches. The in-memory dialer asks before it sends a
// request (dialing) and takes only a fault that refuses connections. Any other first match is
// left for the server.
func (o *Org) takeFault(op, method string, dialing bool) *Fault {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, f := range o.faults {
		if (f.Op != "" && f.Op != op) || (f.Method != "" && f.Method != method) {
			continue
		}
		if dialing && !f.refusesDial() {
			return nil
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				o.faults = append(o.faults[:i:i], o.faults[i+1:]...)
			}
		}
		return f
	}
	return nil
}

// performWithFault performs the operation with the effects of the call's fault. Status 0 means no
// answer.
func (o *Org) performWithFault(c *call, rt route, known bool) answer {
	f := c.fault
	if f == nil {
		return o.perform(c, rt, known)
	}
	clientGone := c.request.Context().Done()
	if !f.After && !pause(clientGone, f.Delay) {
		return answer{}
	}
	a := f.answer()
	if f.After || (a.status == 0 && !f.Drop) {
		done := o.perform(c, rt, known)
		if a.status == 0 && !f.Drop {
			a = done
		}
	}
	if f.After && !pause(clientGone, f.Delay) {
		return answer{}
	}
	return a.withHeader(f.Header)
}

// answer returns what the fault answers instead of the operation; status 0 means nothing.
func (f *Fault) answer() answer {
	switch {
	case f.Status == 0:
		return answer{}
	case f.Status == http.StatusTooManyRequests:
		return tooMany(300, f.RetryAfter)
	case f.Status < 400:
		return answer{status: f.Status}
	default:
		return failure(f.Status, faultCode(f.Status), "Injected by the test").retryAfter(f.RetryAfter)
	}
}

// faultCode returns Genesys' error code for a status.
func faultCode(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "bad.request"
	case http.StatusUnauthorized:
		return "bad.credentials"
	case http.StatusForbidden:
		return "not.authorized"
	case http.StatusNotFound:
		return "not.found"
	case http.StatusConflict:
		return "conflict"
	case http.StatusServiceUnavailable:
		return "service.unavailable"
	case http.StatusGatewayTimeout:
		return "request.timeout"
	default:
		return "internal.server.error"
	}
}
