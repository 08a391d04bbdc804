package genesystest

import (
	"slices"
	"time"
)

// A Request is one the organisation saw.
type Request struct {
	Time             time.Time // when it arrived
	Method, Path, Op string    // Op is empty for a path that does not exist
	Query            string
	Status           int // 0: it got no answer
	Body             []byte
}

// Requests lists what the API, the login host and the downloads saw, in order of their answers. A connection that a fault
// refused is not among them: nothing was sent. The body of a token request is left out.
func (o *Org) Requests() []Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.requests)
}

func (o *Org) note(c *call, op string, status int) {
	body := c.body
	if op == opToken {
		body = nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.requests = append(o.requests, Request{
		Time: c.arrived, Method: c.request.Method, Path: c.request.URL.Path, Op: op,
		Query: c.request.URL.RawQuery, Status: status, Body: body,
	})
}
