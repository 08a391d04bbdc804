package genesystest

import (
	"net"
	"net/http"
	"os"
	"path"
	"strings"
	"syscall"
	"time"
)

// transport sends requests to the organisation's hosts, and fails for others.
type transport struct{ o *Org }

// RoundTrip sends r through the memory network.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	host := r.URL.Hostname()
	if !t.o.owns(host) {
		closeBody(r)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{
			Err: "genesystest: the host is not one of the region " + string(t.o.opt.region), Name: host, IsNotFound: true,
		}}
	}
	rt, _, _ := t.o.match(r.Method, r.URL.Path)
	if f := t.o.takeFault(rt.op, r.Method, true); f != nil {
		closeBody(r)
		return nil, refuseDial(r, f)
	}
	return t.o.server.RoundTrip(r)
}

// CloseIdleConnections is used by http.Client.CloseIdleConnections.
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

// refuseDial returns the error of a refused connection: nothing was sent.
func refuseDial(r *http.Request, f *Fault) error {
	if !pause(r.Context().Done(), f.Delay) {
		return &net.OpError{Op: "dial", Net: "tcp", Err: r.Context().Err()}
	}
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

// pause waits for d. It returns false if done is closed first.
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

// Cloud returns a client for several organisations, as one region of Genesys Cloud has many. A
// request goes to the organisation that granted its credentials or token. Programs with many
// tenants and one http.Client need it. The organisations need different seeds, or their ids are
// the same. At least one organisation is required.
func Cloud(orgs ...*Org) *http.Client { return &http.Client{Transport: cloud(orgs)} }

type cloud []*Org

// RoundTrip implements http.RoundTripper.
func (c cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	best := c[0]
	for _, o := range c {
		if !o.owns(r.URL.Hostname()) {
			continue
		}
		if !best.owns(r.URL.Hostname()) {
			best = o
		}
		if o.ownsCredentials(r) {
			best = o
			break
		}
	}
	return (&transport{o: best}).RoundTrip(r)
}

// CloseIdleConnections is used by http.Client.CloseIdleConnections.
func (c cloud) CloseIdleConnections() {
	for _, o := range c {
		o.server.CloseIdleConnections()
	}
}

// ownsCredentials reports whether the request has credentials, a token or an id of the
// organisation.
func (o *Org) ownsCredentials(r *http.Request) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if id, _, ok := r.BasicAuth(); ok {
		return unescape(id) == o.clientID()
	}
	if _, value, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		return o.tokens[value] != nil
	}
	name := path.Base(r.URL.Path)
	_, ok := o.downloads[name]
	return ok || o.channelByID(name) != nil
}
