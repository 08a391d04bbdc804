package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// A transport is Genesys Cloud as one replica reaches it.
type transport struct{ r *replica }

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/oauth/token") { // asked for by a goroutine of its own, so nobody loses a turn here
		return answer(http.StatusOK, `{"access_token":"token","token_type":"bearer","expires_in":1000000000}`), nil
	}
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
	}
	x := &exchange{r: t.r, ctx: req.Context(), method: req.Method, path: strings.TrimPrefix(req.URL.Path, "/api/v2/"), body: body}
	if x.message = x.read(); x.message != nil {
		m := x.message.Channel
		if deadline, ok := req.Context().Deadline(); !ok || t.r.clock().Before(deadline) {
			t.r.w.ledger.leased(t.r, customerOf(m.From.ID), "message "+m.MessageID, func(v *view) viewLane { return v.Out })
		}
		defer t.r.w.genesys.lane.begin(t.r, customerOf(m.From.ID), "message "+m.MessageID)()
	}
	return x.run() //nolint:contextcheck // what Genesys does later has no caller
}

// An exchange is one request on its way.
type exchange struct {
	r      *replica
	ctx    context.Context //nolint:containedctx // it is the request
	method string
	path   string
	body   []byte
	late   bool // whoever sent it has given up on it

	message *inbound // nil: it posts none
}

// An inbound is a message of a customer on its way to Genesys.
type inbound struct {
	Channel struct {
		From struct {
			ID string `json:"id"`
		} `json:"from"`
		MessageID string    `json:"messageId"`
		Time      time.Time `json:"time"`
	} `json:"channel"`
	Text string `json:"text"`
}

// read gives the message that is posted, or nil.
func (x *exchange) read() *inbound {
	in := &inbound{}
	if !strings.HasSuffix(x.path, "/open/message") || json.Unmarshal(x.body, in) != nil {
		return nil
	}
	if in.Channel.From.ID == "" || in.Channel.MessageID == "" {
		return nil
	}
	return in
}

var errReset = errors.New("connection reset by peer")

func (x *exchange) run() (*http.Response, error) {
	w := x.r.w
	if !x.passes(w.chaos.between(time.Millisecond, 60*time.Millisecond)) {
		return nil, unreached(x.missed())
	}
	switch {
	case w.happens(faultDown):
		w.tell("", "%s does not get through: %s %s", x.r.name, x.method, x.path)
		if w.chaos.chance(0.5) {
			return nil, unreached(errReset)
		}
		return refusal(http.StatusServiceUnavailable, "service.unavailable"), nil
	case x.fetches() && w.happens(faultFetch):
		return x.unfetched()
	case w.happens(faultLimited):
		w.tell("", "%s is limited: %s %s", x.r.name, x.method, x.path)
		return limited(1 + w.chaos.IntN(5)), nil
	case w.happens(faultLost):
		return x.lost()
	case w.happens(faultTwice):
		w.genesys.serve(x)
	}
	resp := w.genesys.serve(x)
	if !x.passes(w.chaos.between(time.Millisecond, 100*time.Millisecond)) {
		return nil, x.missed()
	}
	if x.fetches() && resp.status == http.StatusOK {
		w.ledger.fetched(x)
	}
	return answer(resp.status, resp.body), nil
}

// lost: it arrives, perhaps late, and the answer does not.
func (x *exchange) lost() (*http.Response, error) {
	w := x.r.w
	w.tell("", "the answer to %s is lost: %s %s", x.r.name, x.method, x.path)
	switch w.chaos.IntN(4) {
	case 0:
		w.genesys.serve(x)
		return refusal(http.StatusBadGateway, "bad.gateway"), nil
	case 1:
		w.genesys.serve(x)
		return nil, errReset
	case 2:
		w.genesys.posting++
		w.after(w.chaos.between(0, 12*time.Second), func() {
			w.genesys.posting--
			x.late = true
			w.genesys.serve(x)
		})
	default: // it never arrives
	}
	x.passes(time.Minute)
	return nil, x.missed()
}

// passes lets time pass. False: the request's deadline came first, or the process is dead.
func (x *exchange) passes(d time.Duration) bool {
	d, late := x.r.within(x.ctx, d)
	return x.r.point(d) && !late
}

func (x *exchange) missed() error {
	if x.r.dead {
		return errDead
	}
	return context.DeadlineExceeded
}
