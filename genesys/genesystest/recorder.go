package genesystest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Record sends requests through base and writes each exchange to a file in dir, which is made if
// need be. The files are "0001-POST-oauth-token.json" and so on, after the highest number in dir.
// Replay answers from them.
//
// A file holds method, address, bodies and the relevant headers. Tokens, secrets, cookies, and
// names, addresses and pictures of people are replaced by "redacted". Texts and ids are kept, so
// record only with invented customers. If a file cannot be written, the request fails although it
// was sent.
func Record(base http.RoundTripper, dir string) http.RoundTripper {
	return &recorder{base: base, dir: dir}
}

type recorder struct {
	base http.RoundTripper
	dir  string
	mu   sync.Mutex
	last int
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, err := readBody(req.Body)
	if err != nil {
		return nil, err
	}
	out := req.Clone(req.Context())
	if req.Body != nil {
		out.Body = io.NopCloser(bytes.NewReader(sent))
	}
	res, err := r.base.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		return res, nil // a socket has no body to read
	}
	got, err := readBody(res.Body)
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(got))
	e := exchange{
		Request: recorded{
			Method: req.Method, URL: redactURL(req.URL), Header: selectHeaders(req.Header, "Content-Type"),
			content: redactBody(req.Header.Get("Content-Type"), sent),
		},
		Response: recorded{
			Status: res.StatusCode, content: redactBody(res.Header.Get("Content-Type"), got),
			Header: selectHeaders(res.Header, "Content-Type", "Retry-After", "Inin-Ratelimit-Count", "Inin-Ratelimit-Allowed", "Inin-Ratelimit-Reset"),
		},
	}
	if err := r.write(e); err != nil {
		return nil, fmt.Errorf("genesystest: record: %w", err)
	}
	return res, nil
}

// An exchange is a request and its answer in a file.
type exchange struct {
	Request  recorded `json:"request"`
	Response recorded `json:"response"`
}

type recorded struct {
	Method string            `json:"method,omitempty"`
	URL    string            `json:"url,omitempty"`
	Status int               `json:"status,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	content
}

// content is a body: JSON, text, or bytes in base64.
type content struct {
	JSON  json.RawMessage `json:"json,omitempty"`
	Text  string          `json:"text,omitempty"`
	Bytes []byte          `json:"bytes,omitempty"`
}

func (c content) body() []byte {
	switch {
	case c.JSON != nil:
		return c.JSON
	case c.Text != "":
		return []byte(c.Text)
	default:
		return c.Bytes
	}
}

func (r *recorder) write(e exchange) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(e); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.prepare(); err != nil {
		return err
	}
	r.last++
	name := fmt.Sprintf("%04d-%s-%s.json", r.last, e.Request.Method, fileLabel(e.Request.URL))
	return os.WriteFile(filepath.Join(r.dir, name), b.Bytes(), 0o600)
}

// prepare makes the directory and finds the highest number in it, once.
func (r *recorder) prepare() error {
	if r.last > 0 {
		return nil
	}
	if err := os.MkdirAll(r.dir, 0o750); err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(r.dir, "[0-9][0-9][0-9][0-9]-*.json"))
	for _, name := range names {
		n := 0
		if _, err := fmt.Sscanf(filepath.Base(name), "%d", &n); err == nil {
			r.last = max(r.last, n)
		}
	}
	return err
}

// fileLabel returns the end of a path as part of a file name.
func fileLabel(address string) string {
	path, _, _ := strings.Cut(address, "?")
	_, path, _ = strings.Cut(strings.TrimPrefix(path, "https://"), "/")
	path = strings.TrimPrefix(path, "api/v2/")
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, path)
	return clean[max(0, len(clean)-80):]
}

func selectHeaders(h http.Header, names ...string) map[string]string {
	kept := map[string]string{}
	for _, name := range names {
		if v := h.Get(name); v != "" {
			kept[http.CanonicalHeaderKey(name)] = v
		}
	}
	return kept
}

func readBody(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	b, err := io.ReadAll(body)
	if closing := body.Close(); err == nil {
		err = closing
	}
	return b, err
}

// Replay returns a client that answers from the files of Record in dir. A request gets the answer
// of the first unused exchange with the same method, address and body. Times in bodies may
// differ. A request without such an exchange fails, and so does the test. A directory that cannot
// be read is fatal.
//
// Recorded tokens are redacted, so the client uses the token "redacted". The client sends nothing
// over a network.
func Replay(tb TB, dir string) *http.Client {
	tb.Helper()
	p := &replayer{tb: tb}
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err == nil && len(names) == 0 {
		err = os.ErrNotExist
	}
	for _, name := range names {
		var e exchange
		if e, err = readExchange(name); err != nil {
			break
		}
		p.left = append(p.left, e)
	}
	if err != nil {
		tb.Fatalf("genesystest: replay from %s: %v", dir, err)
	}
	return &http.Client{Transport: p}
}

func readExchange(name string) (e exchange, err error) {
	b, err := os.ReadFile(name) //nolint:gosec // the directory is the caller's choice
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return e, fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return e, nil
}

type replayer struct {
	tb   TB
	mu   sync.Mutex
	left []exchange
}

// RoundTrip implements http.RoundTripper.
func (p *replayer) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := readBody(req.Body)
	if err != nil {
		return nil, err
	}
	request := recorded{Method: req.Method, URL: redactURL(req.URL), content: redactBody(req.Header.Get("Content-Type"), body)}
	p.mu.Lock()
	i := slices.IndexFunc(p.left, func(e exchange) bool { return same(e.Request, request) })
	if i < 0 {
		p.mu.Unlock()
		p.tb.Errorf("genesystest: replay: no unused exchange for %s %s; record it", req.Method, req.URL.Path)
		return nil, fmt.Errorf("genesystest: replay: %s %s was not recorded", req.Method, req.URL.Path)
	}
	e := p.left[i].Response
	p.left = slices.Delete(p.left, i, i+1)
	p.mu.Unlock()

	res := &http.Response{
		Status: fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)), StatusCode: e.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: req,
		Body: io.NopCloser(bytes.NewReader(e.body())), ContentLength: int64(len(e.body())),
	}
	for name, value := range e.Header {
		res.Header.Set(name, value)
	}
	return res, nil
}

func same(a, b recorded) bool {
	return a.Method == b.Method && a.URL == b.URL && reflect.DeepEqual(comparableBody(a.content), comparableBody(b.content))
}

// comparableBody returns a body for comparison: parsed, and without times.
func comparableBody(c content) any {
	if c.JSON == nil {
		return c.Text + string(c.Bytes)
	}
	d := json.NewDecoder(bytes.NewReader(c.JSON))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return string(c.JSON)
	}
	return withoutTimes(v)
}

func withoutTimes(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			v[name] = withoutTimes(value)
		}
	case []any:
		for i := range v {
			v[i] = withoutTimes(v[i])
		}
	case string:
		if _, err := time.Parse(time.RFC3339, v); err == nil && strings.HasSuffix(v, "Z") {
			return "a time"
		}
	}
	return v
}

const redacted = "redacted"

// isPrivate reports whether the value of a property must not be in a file.
func isPrivate(name string) bool {
	switch strings.ToLower(name) {
	case "access_token", "refresh_token", "client_secret", "client_id", "password", "secret", "token",
		"outboundnotificationwebhooksignaturesecrettoken", "webhookheaders", "connecturi",
		"nickname", "firstname", "lastname", "email", "image":
		return true
	default:
		return false
	}
}

// redactBody returns a body in readable form and without private values.
func redactBody(contentType string, body []byte) content {
	switch {
	case len(body) == 0:
		return content{}
	case json.Valid(body):
		return content{JSON: redactJSON(body)}
	case strings.HasPrefix(contentType, "application/x-www-form-urlencoded"):
		return content{Text: redactForm(string(body))}
	case utf8.Valid(body):
		return content{Text: string(body)}
	default:
		return content{Bytes: body}
	}
}

// redactJSON keeps numbers as they are written.
func redactJSON(body []byte) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return encode(redacted)
	}
	return encode(redactValue(v, false))
}

// redactValue replaces every string of a private property, or of v if hide is set. It keeps the
// structure, so that a decoder still accepts it.
func redactValue(v any, hide bool) any {
	switch v := v.(type) {
	case string:
		if hide {
			return redacted
		}
	case map[string]any:
		for name, value := range v {
			v[name] = redactValue(value, hide || isPrivate(name))
		}
	case []any:
		for i := range v {
			v[i] = redactValue(v[i], hide)
		}
	}
	return v
}

func redactForm(body string) string {
	form, err := url.ParseQuery(body)
	if err != nil {
		return redacted
	}
	return redactValues(form).Encode()
}

func redactURL(u *url.URL) string {
	clean := *u
	clean.User = nil
	clean.RawQuery = redactValues(u.Query()).Encode()
	return clean.String()
}

func redactValues(form url.Values) url.Values {
	for name := range form {
		if isPrivate(name) {
			form.Set(name, redacted)
		}
	}
	return form
}
