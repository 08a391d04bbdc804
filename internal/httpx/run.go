package httpx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// A run is one Do: its retryablehttp client is made for it alone, so that the hooks know the request they decide on.
type run struct {
	policy    Policy
	req       Request
	attempts  int
	ambiguous bool          // an attempt that failed may have had its effect
	earlier   bool          // the same, not counting the last attempt
	wait      time.Duration // before the next attempt, set by check

	traced atomic.Bool // the transport reports to httptrace
	wrote  atomic.Bool // the head of this attempt has been written
}

// trace learns whether a request left: hooks may run on the transport's goroutines.
func (r *run) trace(ctx context.Context) context.Context {
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
		// The last answer is the result, not "giving up": its status and body say more.
		ErrorHandler: func(resp *http.Response, err error, _ int) (*http.Response, error) {
			if err != nil {
				return nil, err
			}
			return resp, nil
		},
	}
}

// check decides after each attempt. It never returns an error: the attempt's own error must survive.
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

// jitter draws from zero to the doubled step, so that callers who failed together do not come back together.
func (r *run) jitter() time.Duration {
	step := r.policy.MinWait << min(r.attempts-1, 20)
	if step <= 0 || step > r.policy.MaxWait {
		step = r.policy.MaxWait
	}
	if step <= 0 {
		return 0
	}
	return time.Duration(rand.Int64N(int64(step) + 1)) //nolint:gosec // spreading load, not a secret
}

// fits: a wait that the context will not live to see is not begun; the answer at hand says more than a deadline.
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

// transient: 501 means never.
func transient(status int) bool {
	return status >= 500 && status != http.StatusNotImplemented
}

// Unsure reports whether a status leaves open what the server did: every 5xx, and 408.
func Unsure(status int) bool { return status >= 500 || status == http.StatusRequestTimeout }

// reached: may the server have seen the request? A transport that reports to httptrace is believed;
// for another one, such as a fake, only errors that come before the first byte are certain.
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

// badTLS: the peer is not who it should be; asking again does not change that.
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
