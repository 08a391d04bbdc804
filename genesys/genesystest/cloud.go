package genesystest

import (
	"net/http"
	"path"
	"strings"
)

// Cloud is the way to several organisations at once, as one region of Genesys Cloud has many: a request goes to the
// organisation its credentials or its token belong to. It is what a program with many tenants and one http.Client needs;
// give each organisation its own seed, or their ids are the same. At least one is required.
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
		if o.knows(r) {
			best = o
			break
		}
	}
	return (&transport{o: best}).RoundTrip(r)
}

// CloseIdleConnections makes http.Client.CloseIdleConnections work.
func (c cloud) CloseIdleConnections() {
	for _, o := range c {
		o.server.CloseIdleConnections()
	}
}

// knows reports whether the request carries something of the organisation's.
func (o *Org) knows(r *http.Request) bool {
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
