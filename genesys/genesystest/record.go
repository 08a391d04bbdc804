package genesystest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Record sends requests through base and writes each exchange into a file of its own in dir, which is made if need be:
// "0001-POST-oauth-token.json" and so on, after the highest number there. Replay answers from them.
//
// A file shows method, address, bodies and the headers that matter, and never a token, a secret, a cookie, or the name,
// address or picture of a person: these are "redacted". Texts and ids stay, so record with customers you made up. A request
// whose file cannot be written fails, although it was sent.
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
	sent, err := drain(req.Body)
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
		return res, nil // a socket has no end to wait for
	}
	got, err := drain(res.Body)
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(got))
	e := exchange{
		Request: recorded{
			Method: req.Method, URL: redactURL(req.URL), Header: keep(req.Header, "Content-Type"),
			content: describe(req.Header.Get("Content-Type"), sent),
		},
		Response: recorded{
			Status: res.StatusCode, content: describe(res.Header.Get("Content-Type"), got),
			Header: keep(res.Header, "Content-Type", "Retry-After", "Inin-Ratelimit-Count", "Inin-Ratelimit-Allowed", "Inin-Ratelimit-Reset"),
		},
	}
	if err := r.write(e); err != nil {
		return nil, fmt.Errorf("genesystest: record: %w", err)
	}
	return res, nil
}

// An exchange is a request and its answer as a file shows them.
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
	name := fmt.Sprintf("%04d-%s-%s.json", r.last, e.Request.Method, slug(e.Request.URL))
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

// slug is the end of a path as a part of a file name.
func slug(address string) string {
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

func keep(h http.Header, names ...string) map[string]string {
	kept := map[string]string{}
	for _, name := range names {
		if v := h.Get(name); v != "" {
			kept[http.CanonicalHeaderKey(name)] = v
		}
	}
	return kept
}

func drain(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	b, err := io.ReadAll(body)
	if closing := body.Close(); err == nil {
		err = closing
	}
	return b, err
}
