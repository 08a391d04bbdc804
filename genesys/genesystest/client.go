package genesystest

import (
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// transport is the way to the organisation for its own hosts, and to nowhere for others.
type transport struct{ o *Org }

// RoundTrip sends r through the memory network.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	host := r.URL.Hostname()
	if !t.o.owns(host) {
		closeBody(r)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{
			Err: "no such host in the memory of genesystest (region " + string(t.o.opt.region) + ")", Name: host, IsNotFound: true,
		}}
	}
	rt, _, _ := t.o.match(r.Method, r.URL.Path)
	if f := t.o.takeFault(rt.op, r.Method, true); f != nil {
		closeBody(r)
		return nil, refuseDial(r, f)
	}
	return t.o.server.RoundTrip(r)
}

// CloseIdleConnections makes http.Client.CloseIdleConnections work.
func (t *transport) CloseIdleConnections() { t.o.server.CloseIdleConnections() }

func (o *Org) owns(host string) bool {
	domain := o.opt.region.Domain()
	for _, name := range []string{"api", "login", "apps", "api-downloads", "streaming"} {
		if host == name+"."+domain {
			return true
		}
	}
	return false
}

// refuseDial is a connection that was never made: nothing has been sent.
func refuseDial(r *http.Request, f *Fault) error {
	if !pause(r.Context().Done(), f.Delay) {
		return &net.OpError{Op: "dial", Net: "tcp", Err: r.Context().Err()}
	}
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

// pause waits; false says that done came first.
func pause(done <-chan struct{}, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-done:
		return false
	}
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}
