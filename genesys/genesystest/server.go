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

// maxBody is Genesys' limit of a request body, request.bytes.max.
const maxBody = 512_000

// A call is one request while the organisation handles it.
type call struct {
	request *http.Request
	vars    map[string]string
	body    []byte
	arrived time.Time
	fault   *Fault
	token   *token // nil before authentication
}

// Handler serves the organisation on real sockets: the API, the login host, downloads and
// notification sockets, which differ by their paths. Use its address as the API and login
// endpoint of the client. connectUri then has the host of the request.
func (o *Org) Handler() http.Handler { return http.HandlerFunc(o.serve) }

func (o *Org) serve(w http.ResponseWriter, r *http.Request) {
	if !o.beginRequest() {
		panic(http.ErrAbortHandler) // the organisation is closed
	}
	defer o.work.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(o.ctx, cancel)() //nolint:contextcheck // Close ends requests, too

	c := &call{request: r.WithContext(ctx), arrived: time.Now()}
	rt, vars, known := o.match(r.Method, r.URL.Path)
	c.vars = vars
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return // the client has disconnected
	}
	c.body = body
	c.fault = o.takeFault(rt.op, r.Method, false)
	if rt.op == opConnect {
		o.serveSocket(w, c)
		return
	}

	a := o.performWithFault(c, rt, known)
	o.recordRequest(c, rt.op, a.status)
	if a.mistake != "" {
		o.refuse("%s %s was refused with %d: %s", r.Method, r.URL.Path, a.status, a.mistake)
	}
	if a.status == 0 {
		panic(http.ErrAbortHandler) // breaks the connection
	}
	o.write(w, a)
}

// beginRequest makes Close wait for a request. It returns false if the organisation is closed.
func (o *Org) beginRequest() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	o.work.Add(1)
	return true
}

// perform handles a request without faults: form, authentication, rate limit, permissions,
// operation.
func (o *Org) perform(c *call, rt route, known bool) answer {
	if a, bad := malformed(c, rt, known); bad {
		return a
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if rt.noToken || (rt.op == opDownload && !o.opt.protectDownloads) {
		return rt.do(o, c)
	}
	t, refused := o.authenticate(c.request)
	if t == nil {
		return refused
	}
	c.token = t
	header, over := o.countRequest(t)
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

// malformed refuses a request before authentication.
func malformed(c *call, rt route, known bool) (answer, bool) {
	switch {
	case !known:
		return failure(http.StatusNotFound, "not.found", "The path does not exist").asMistake(), true
	case rt.do == nil:
		return failure(http.StatusMethodNotAllowed, "method.not.allowed", "The path does not have this method").asMistake(), true
	case len(c.body) > maxBody:
		return failure(http.StatusRequestEntityTooLarge, "request.entity.too.large",
			"The body is larger than 512000 bytes").asMistake(), true
	case len(c.body) > 0 && !rt.noToken && !isJSON(c.request.Header.Get("Content-Type")):
		return failure(http.StatusUnsupportedMediaType, "unsupported.media.type",
			"The Content-Type is not application/json").asMistake(), true
	}
	return answer{}, false
}

func isJSON(contentType string) bool {
	mime, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(mime), "application/json")
}

func (o *Org) write(w http.ResponseWriter, a answer) {
	o.mu.Lock()
	correlation, date := o.uuid("correlation"), o.now()
	o.mu.Unlock()
	h := w.Header()
	h.Set("Date", date.Format(http.TimeFormat))
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

// encode writes JSON as servers in other languages do, without escaping &, < and >.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("genesystest: a wire type cannot be encoded: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
