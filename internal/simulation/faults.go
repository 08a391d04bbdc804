package simulation

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// What fails with these, fails for a reason that nobody is told.
var (
	errStore = errors.New("simulation: the store failed")
	errHost  = errors.New("simulation: the host failed")
)

// unreached is a request that certainly was not sent.
func unreached(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }

// A reply is what Genesys says.
type reply struct {
	status int
	body   string
}

func replied(status int, body string) reply { return reply{status, body} }

func refused(status int, code string) reply {
	return reply{status, fmt.Sprintf(`{"status":%d,"code":%q,"message":"simulated"}`, status, code)}
}

// answer is an HTTP answer.
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

// limited is a 429.
func limited(seconds int) *http.Response {
	r := refusal(http.StatusTooManyRequests, "too.many.requests")
	r.Header.Set("Retry-After", strconv.Itoa(seconds))
	return r
}
