package httpx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// A run is one call of Do. It has a separate retryablehttp client, so that the hooks know their
// request.
type run struct {
	policy    Policy
	req       Request
	attempts  int
	ambiguous bool          // a failed attempt may have been performed
	earlier   bool          // the same, without the last attempt
	wait      time.Duration // before the next attempt, set by check

	sent, received time.Time // of the last attempt, set by buffering

	traced atomic.Bool // the transport reports to httptrace
	wrote  atomic.Bool // the head of this attempt has been written
}

// runKey is the context key under which buffering finds the run of a request.
type runKey struct{}

// trace makes the context of every attempt. Its hooks record whether a request left; they may run
// on the transport's goroutines.
func (r *run) trace(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, runKey{}, r)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { r.traced.Store(true) },
		WroteHeaders: func() { r.wrote.Store(true) },
	})
}

func (r *run) client(hc *http.Client) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: hc,
		RetryMax:   r.policy.Max,
		CheckRetry: r.check,
		Backoff:    func(time.Duration, time.Duration, int, *http.Response) time.Duration { return r.wait },
		// The result is the last answer, not the error "giving up", because its status and body are
		// more useful.
		ErrorHandler: func(resp *http.Response, err error, _ int) (*http.Response, error) {
			if err != nil {
				return nil, err
			}
			return resp, nil
		},
	}
}

// check decides after each attempt whether to retry. It returns no error, so that the error of the
// attempt is kept.
func (r *run) check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	r.attempts++
	r.earlier = r.ambiguous
	var again bool
	var status int
	var after time.Duration
	if err != nil {
		reached := r.reached(err)
		r.ambiguous = r.ambiguous || reached
		again = ctx.Err() == nil && retryableError(err) && (!reached || r.repeatable())
	} else {
		status, after = resp.StatusCode, RetryAfter(resp.Header, resp.StatusCode, time.Now())
		r.ambiguous = r.ambiguous || Unsure(status)
		again = status == http.StatusTooManyRequests || r.repeatable() && transient(status)
	}
	if !again || r.attempts > r.policy.Max {
		return false, nil
	}
	if r.wait = max(after, r.jitter()); after > r.policy.MaxWait || !fits(ctx, r.wait) {
		return false, nil
	}
	if r.req.OnRetry != nil {
		r.req.OnRetry(r.attempts, status, r.wait)
	}
	r.wrote.Store(false)
	return true, nil
}

// jitter returns a wait between zero and the doubled step, so that callers that failed together do
// not retry together.
func (r *run) jitter() time.Duration {
	step := r.policy.MinWait << min(r.attempts-1, 20)
	if step <= 0 || step > r.policy.MaxWait {
		step = r.policy.MaxWait
	}
	if step <= 0 {
		return 0
	}
	return time.Duration(rand.Int64N(int64(step) + 1)) //nolint:gosec // it spreads load and is not a secret
}

// fits reports whether the context lasts longer than wait. If not, the present answer is more
// useful than a deadline error.
func fits(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > wait
}

func (r *run) repeatable() bool {
	switch r.req.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return true
	default:
		return r.req.Idempotent
	}
}

// transient reports whether a retry may succeed. A 501 never does.
func transient(status int) bool {
	return status >= 500 && status != http.StatusNotImplemented
}

// Unsure reports whether a status leaves open whether the server performed the request: every 5xx,
// and 408.
func Unsure(status int) bool { return status >= 500 || status == http.StatusRequestTimeout }

// reached reports whether the server may have received the request. It trusts a transport that
// reports to httptrace. For others, such as fakes, only errors that precede the first byte are
// certain.
func (r *run) reached(err error) bool {
	if r.traced.Load() {
		return r.wrote.Load()
	}
	return !beforeFirstByte(err)
}

func beforeFirstByte(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	return badTLS(err)
}

// badTLS reports whether TLS refused the peer, which a retry does not change.
func badTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	_, ok := errors.AsType[x509.HostnameError](err)
	return ok
}

func retryableError(err error) bool {
	return !badTLS(err) && !errors.Is(err, ErrTooLarge)
}

// maxRetryAfter bounds what a header can ask for, so that no arithmetic on it overflows.
const maxRetryAfter = 30 * 24 * time.Hour

// RetryAfter returns how long the server asks to wait: Retry-After in seconds or as a date, or, for
// a 429 without a readable one, Inin-Ratelimit-Reset. A date is compared with the answer's own
// Date, and with now only if that is missing, so that a wrong local clock does not matter. The
// result is 0 if the answer does not say, and never negative.
func RetryAfter(h http.Header, status int, now time.Time) time.Duration {
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if d, ok := seconds(v); ok {
			return d
		}
		if t, err := http.ParseTime(v); err == nil {
			if date, err := http.ParseTime(h.Get("Date")); err == nil {
				now = date
			}
			return min(max(t.Sub(now), 0), maxRetryAfter)
		}
	}
	if status == http.StatusTooManyRequests {
		d, _ := seconds(h.Get("Inin-Ratelimit-Reset"))
		return d
	}
	return 0
}

// Seconds returns the value of a header in seconds, or 0 if it has none.
func Seconds(h http.Header, key string) time.Duration {
	d, _ := seconds(h.Get(key))
	return d
}

// Int returns the value of a header as a number, or 0 if it is not a number or negative.
func Int(h http.Header, key string) int {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get(key)))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func seconds(v string) (time.Duration, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
	if err != nil || math.IsNaN(f) || f < 0 {
		return 0, false
	}
	if f > maxRetryAfter.Seconds() {
		return maxRetryAfter, true
	}
	return time.Duration(math.Ceil(f * float64(time.Second))), true
}
