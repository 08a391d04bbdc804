package genesystest

import (
	"net/http"
	"time"
)

// A Fault is something that goes wrong between the program and Genesys. What it does follows from its fields:
//
//   - nothing but Op: 503, no effect;
//   - Status: that status, no effect; with After the effect happens first;
//   - Drop: the connection is refused, nothing was sent; with After the effect happens and the connection dies without an
//     answer. On a real socket (Handler) both end in a dead connection;
//   - After alone: as Drop with After;
//   - Delay: the request waits that long before anything else happens; if the client has given up meanwhile, nothing does.
//     With After the effect happens at once and the answer waits. Delay alone answers normally in the end;
//   - Stale: a read of a conversation shows the state of that long ago.
//
// As on any network, http.Transport repeats a GET by itself when the connection dies under it: to the program such a fault
// is invisible, unless Times is more.
//
// The operation "notifications.connect" is the connection of a notification socket: Status refuses it, Drop too, Delay lets
// it wait. After has no meaning there.
type Fault struct {
	Op     string // as in Request.Op; empty: every operation
	Method string // empty: every method
	Times  int    // how many requests it hits: 0 is one, negative is all of them

	Status     int
	After      bool // the effect happens, the answer is lost
	RetryAfter time.Duration
	Delay      time.Duration
	Drop       bool
	Stale      time.Duration
}

// Inject makes the next request that fits fail as f says. Faults are used up in the order they were injected, one a
// request.
func (o *Org) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	if f.After && f.Status == 0 && f.Delay == 0 {
		f.Drop = true
	}
	if f.Status == 0 && !f.Drop && f.Delay == 0 && f.Stale == 0 {
		f.Status = http.StatusServiceUnavailable
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.faults = append(o.faults, &f)
}

// ClearFaults drops what was injected and not used.
func (o *Org) ClearFaults() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.faults, o.webhookFaults = nil, nil
}

func (f *Fault) refusesDial() bool { return f.Drop && !f.After }

// takeFault uses the first fault that fits. The in-memory dialer asks before the request is sent, and takes only what
// refuses a connection; whatever else comes first stays for the server.
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

// throughFaults performs the operation as the fault of the call lets it. Status 0: no answer at all.
func (o *Org) throughFaults(c *call, rt route, known bool) answer {
	f := c.fault
	if f == nil {
		return o.perform(c, rt, known)
	}
	gone := c.request.Context().Done()
	if !f.After && !pause(gone, f.Delay) {
		return answer{}
	}
	a := f.answer()
	if f.After || (a.status == 0 && !f.Drop) {
		done := o.perform(c, rt, known)
		if a.status == 0 && !f.Drop {
			a = done
		}
	}
	if f.After && !pause(gone, f.Delay) {
		return answer{}
	}
	return a
}

// answer is what the fault puts in the place of the real one; status 0: nothing.
func (f *Fault) answer() answer {
	switch {
	case f.Status == 0:
		return answer{}
	case f.Status == http.StatusTooManyRequests:
		return tooMany(300).retryAfter(f.RetryAfter)
	case f.Status < 400:
		return answer{status: f.Status}
	default:
		return failure(f.Status, faultCode(f.Status), "Injected by the test").retryAfter(f.RetryAfter)
	}
}

// faultCode is the code Genesys gives with a status.
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
