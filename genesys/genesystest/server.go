package genesystest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxBody is the platform's limit on a request body, request.bytes.max.
const maxBody = 512_000

// A call is one request on its way through the organisation.
type call struct {
	request *http.Request
	vars    map[string]string
	body    []byte
	arrived time.Time
	fault   *Fault
	token   *token // nil while nobody asked for one
}

// Handler serves the organisation to real sockets: the API, the login host, downloads and notification sockets, told
// apart by their paths. Give its address to the client as API and login endpoint; connectUri then names the host that was
// asked.
func (o *Org) Handler() http.Handler { return http.HandlerFunc(o.serve) }

func (o *Org) serve(w http.ResponseWriter, r *http.Request) {
	if !o.enroll() {
		panic(http.ErrAbortHandler) // closed
	}
	defer o.work.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(o.ctx, cancel)() //nolint:contextcheck // Close ends a request too, whatever its client does

	c := &call{request: r.WithContext(ctx), arrived: time.Now()}
	rt, vars, known := o.match(r.Method, r.URL.Path)
	c.vars = vars
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return // the client is gone
	}
	c.body = body
	c.fault = o.takeFault(rt.op, r.Method, false)
	if rt.op == opConnect {
		o.serveSocket(w, c)
		return
	}

	a := o.throughFaults(c, rt, known)
	o.note(c, rt.op, a.status)
	if a.mistake != "" {
		o.refuse("%s %s refused with %d: %s", r.Method, r.URL.Path, a.status, a.mistake)
	}
	if a.status == 0 {
		panic(http.ErrAbortHandler) // the connection dies
	}
	o.write(w, a)
}

// enroll makes Close wait for a request; false: the organisation is closed.
func (o *Org) enroll() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	o.work.Add(1)
	return true
}

// perform is the operation without faults: who asks, may they, is it well formed, what is the answer.
func (o *Org) perform(c *call, rt route, known bool) answer {
	if a, bad := malformed(c, rt, known); bad {
		return a
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if rt.open || (rt.op == opDownload && !o.opt.authorise) {
		return rt.do(o, c)
	}
	t, refused := o.authenticate(c.request)
	if t == nil {
		return refused
	}
	c.token = t
	header, over := o.meter(t)
	a := o.allowed(c, rt, over)
	for name, values := range header {
		a = a.set(name, values[0])
	}
	return a
}

func (o *Org) allowed(c *call, rt route, over *answer) answer {
	if over != nil {
		return *over
	}
	if lack := rt.need.missing(o.permissions); lack != nil {
		return rt.need.refusal(lack)
	}
	return rt.do(o, c)
}

// malformed is what no organisation would look at.
func malformed(c *call, rt route, known bool) (answer, bool) {
	switch {
	case !known:
		return failure(http.StatusNotFound, "not.found", "There is no such path").mistaken(), true
	case rt.do == nil:
		return failure(http.StatusMethodNotAllowed, "method.not.allowed", "The path has no such method").mistaken(), true
	case len(c.body) > maxBody:
		return failure(http.StatusRequestEntityTooLarge, "request.entity.too.large",
			"The body is larger than 512000 bytes").mistaken(), true
	case len(c.body) > 0 && !rt.open && !isJSON(c.request.Header.Get("Content-Type")):
		return failure(http.StatusUnsupportedMediaType, "unsupported.media.type",
			"The Content-Type is not application/json").mistaken(), true
	}
	return answer{}, false
}

func isJSON(contentType string) bool {
	mime, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(mime), "application/json")
}

func (o *Org) write(w http.ResponseWriter, a answer) {
	o.mu.Lock()
	correlation := o.uuid("correlation")
	o.mu.Unlock()
	h := w.Header()
	for name, values := range a.header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	h.Set("Inin-Correlation-Id", correlation)
	if e, ok := a.body.(errorBody); ok {
		e.ContextID = correlation
		a.body = e
	}
	if a.body == nil && a.raw == nil {
		w.WriteHeader(a.status)
		return
	}
	if a.raw != nil {
		h.Set("Content-Type", a.mime)
		w.WriteHeader(a.status)
		_, _ = w.Write(a.raw)
		return
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.Write(encode(a.body))
}

// encode writes JSON as servers in other languages do, without escaping & < >.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("genesystest: a wire type cannot be encoded: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
