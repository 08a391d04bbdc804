package genesystest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// Replay answers from what Record wrote into dir. A request gets the answer of the first exchange not yet used that has
// the same method, address and body; times may differ, since a program that runs again says another time. Anything else
// fails the test and the request. A directory that cannot be read is fatal.
//
// The tokens in it are redacted, so a client works with the token "redacted". Nothing is redacted twice, and nothing is
// sent anywhere.
func Replay(tb TB, dir string) *http.Client {
	tb.Helper()
	p := &player{tb: tb}
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err == nil && len(names) == 0 {
		err = os.ErrNotExist
	}
	for _, name := range names {
		var e exchange
		if e, err = load(name); err != nil {
			break
		}
		p.left = append(p.left, e)
	}
	if err != nil {
		tb.Fatalf("genesystest: replay from %s: %v", dir, err)
	}
	return &http.Client{Transport: p}
}

func load(name string) (e exchange, err error) {
	b, err := os.ReadFile(name) //nolint:gosec // the directory is the caller's choice
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return e, fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return e, nil
}

type player struct {
	tb   TB
	mu   sync.Mutex
	left []exchange
}

// RoundTrip implements http.RoundTripper.
func (p *player) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := drain(req.Body)
	if err != nil {
		return nil, err
	}
	asked := recorded{Method: req.Method, URL: redactURL(req.URL), content: describe(req.Header.Get("Content-Type"), body)}
	p.mu.Lock()
	i := slices.IndexFunc(p.left, func(e exchange) bool { return same(e.Request, asked) })
	if i < 0 {
		p.mu.Unlock()
		p.tb.Errorf("genesystest: replay has no exchange left for %s %s", req.Method, req.URL.Path)
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
	return a.Method == b.Method && a.URL == b.URL && reflect.DeepEqual(timeless(a.content), timeless(b.content))
}

// timeless is a body for comparison: parsed, and without the times.
func timeless(c content) any {
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
