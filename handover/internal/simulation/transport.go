package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A transport is Genesys Cloud as one replica calls it.
type transport struct{ r *replica }

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	// Called in another goroutine, so no task may be suspended here.
	if strings.HasSuffix(req.URL.Path, "/oauth/token") {
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
	if x.message = x.inboundMessage(); x.message != nil {
		m := x.message.Channel
		if deadline, ok := req.Context().Deadline(); !ok || t.r.clock().Before(deadline) {
			t.r.w.ledger.checkLease(t.r, customerOf(m.From.ID), "message "+m.MessageID, func(v *view) viewLane { return v.Out })
		}
		defer t.r.w.genesys.sending.start(t.r, customerOf(m.From.ID), "message "+m.MessageID, false)()
	}
	defer t.r.w.genesys.exclude(x)()
	resp, err := x.run()
	if err == nil {
		resp.Header.Set("Date", epoch.Add(t.r.w.now+t.r.w.plan.ahead).Format(http.TimeFormat))
	}
	return resp, err
}

// An exchange is one request and its answer.
type exchange struct {
	r         *replica
	ctx       context.Context //nolint:containedctx // it is the request
	method    string
	path      string
	body      []byte
	abandoned bool // the sender no longer waits for the answer

	message *inbound // the message it sends, or nil
	arrived *arrival // the message when it arrived, or nil
	readOf  *conversation
}

// An inbound is a message of a customer that is being sent to Genesys.
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

// inboundMessage returns the message that the request sends, or nil.
func (x *exchange) inboundMessage() *inbound {
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
	if !x.wait(x.delay(60 * time.Millisecond)) {
		return nil, unreached(x.timeoutErr())
	}
	switch {
	case w.happens(faultDown):
		w.logf("", "%s does not get through: %s %s", x.r.name, x.method, x.path)
		if w.chaos.chance(0.5) {
			return nil, unreached(errReset)
		}
		return refusal(http.StatusServiceUnavailable, "service.unavailable"), nil
	case x.fetches() && w.happens(faultFetch):
		return x.failFetch()
	case w.happens(faultLimited):
		w.logf("", "%s is limited: %s %s", x.r.name, x.method, x.path)
		return limited(1 + w.chaos.IntN(5)), nil
	case w.happens(faultLost), w.silent() && w.happens(faultSilence):
		return x.loseAnswer()
	case w.happens(faultTwice):
		w.genesys.serve(x)
	}
	resp := w.genesys.serve(x)
	if !x.wait(x.delay(100 * time.Millisecond)) {
		return nil, x.timeoutErr()
	}
	if x.arrived != nil && resp.status == http.StatusOK {
		w.ledger.answeredPost(x)
	}
	if x.readOf != nil {
		read := x.readOf.lastReads[x.r]
		read.received = true
		x.readOf.lastReads[x.r] = read
	}
	if x.fetches() && resp.status == http.StatusOK {
		w.ledger.fetched(x)
	}
	return answer(resp.status, resp.body), nil
}

// loseAnswer performs the request now, later or not at all, and loses its answer.
func (x *exchange) loseAnswer() (*http.Response, error) {
	w := x.r.w
	w.logf("", "the answer to %s is lost: %s %s", x.r.name, x.method, x.path)
	switch w.chaos.IntN(6) {
	case 0:
		w.genesys.serve(x)
		return refusal(http.StatusBadGateway, "bad.gateway"), nil
	case 1:
		w.genesys.serve(x)
		return nil, errReset
	case 2, 3:
		w.genesys.serve(x) // it has its effect at once, and the sender waits in vain
	case 4:
		w.genesys.delayedRequests++
		w.after(w.chaos.between(0, 12*time.Second), func() {
			w.genesys.delayedRequests--
			x.abandoned = true
			w.genesys.serve(x)
		})
	default: // it never arrives
	}
	x.wait(time.Minute)
	return nil, x.timeoutErr()
}

// delay returns how long half of a request takes.
func (x *exchange) delay(most time.Duration) time.Duration {
	if x.r.w.happens(faultSluggish) {
		return x.r.w.chaos.between(time.Second, 8*time.Second)
	}
	return x.r.w.chaos.between(time.Millisecond, most)
}

// silent reports whether answers of Genesys are lost now.
func (w *world) silent() bool {
	return slices.ContainsFunc(w.plan.silences, func(o outage) bool { return w.now >= o.from && w.now < o.to })
}

// wait waits for d. It returns false if the deadline of the request passed first, or the process is
// dead.
func (x *exchange) wait(d time.Duration) bool {
	d, late := x.r.untilDeadline(x.ctx, d)
	return x.r.yieldPoint(d) && !late
}

func (x *exchange) timeoutErr() error {
	if x.r.dead {
		return errDead
	}
	return context.DeadlineExceeded
}

// fetches reports whether the request asks for messages that no webhook has delivered.
func (x *exchange) fetches() bool {
	const bulk = "/messages/bulk"
	return x.method == http.MethodPost && len(x.path) > len(bulk) && x.path[len(x.path)-len(bulk):] == bulk
}

// failFetch answers a request for messages that fails.
func (x *exchange) failFetch() (*http.Response, error) {
	w := x.r.w
	w.logf("", "%s fails to fetch: %s", x.r.name, x.path)
	switch w.chaos.IntN(4) {
	case 0:
		return limited(1 + w.chaos.IntN(5)), nil
	case 1:
		return refusal(http.StatusServiceUnavailable, "service.unavailable"), nil
	case 2:
		return nil, errReset
	default:
		x.wait(time.Minute)
		return nil, x.timeoutErr()
	}
}

// unreached is the error of a request that certainly was not sent.
func unreached(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }

// A reply is an answer of Genesys.
type reply struct {
	status int
	body   string
}

func replied(status int, body string) reply { return reply{status, body} }

func refused(status int, code string) reply {
	return reply{status, fmt.Sprintf(`{"status":%d,"code":%q,"message":"simulated"}`, status, code)}
}

// answer returns an HTTP answer.
func answer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

func refusal(status int, code string) *http.Response {
	r := refused(status, code)
	return answer(r.status, r.body)
}

// limited returns a 429.
func limited(seconds int) *http.Response {
	r := refusal(http.StatusTooManyRequests, "too.many.requests")
	r.Header.Set("Retry-After", strconv.Itoa(seconds))
	return r
}
