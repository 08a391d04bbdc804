package genesystest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"

	"github.com/genesyshandover/genesyshandover/internal/memnet"
)

// hook is where webhooks go.
type hook struct {
	client *http.Client
	url    string
	server *memnet.Server // of a handler in this process
}

func (h *hook) close() {
	if h.server != nil {
		_ = h.server.Close()
	}
	h.client.CloseIdleConnections()
}

// localHook posts to a handler in this process.
func localHook(h http.Handler, path string) *hook {
	server := memnet.Serve(h)
	return &hook{client: webhookClient(server), url: "https://bot.example" + path, server: server}
}

// remoteHook posts to a real address.
func remoteHook(url string) *hook { return &hook{client: webhookClient(&http.Transport{}), url: url} }

// webhookClient follows no redirect: a 3xx is no success.
func webhookClient(t http.RoundTripper) *http.Client {
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// guarded reports a panic of the program's handler and cuts the connection. It reads the body beforehand, because a server
// notices that its client has gone only then: a handler that waits for the end of its context shall see it.
func (o *Org) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				o.refuse("the webhook handler panicked: %v", v)
			}
			panic(http.ErrAbortHandler)
		}()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.ServeHTTP(w, r)
	})
}

func (h *hook) post(ctx context.Context, body []byte, secret string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Hub-Signature-256", sign(body, secret))
	res, err := h.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, err
}

// sign is the signature of a webhook: standard Base64 of HMAC-SHA256 over the bytes of the body.
func sign(body []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
