package genesys

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"github.com/genesyshandover/genesyshandover/internal/httpx"
)

// maxRequest is the platform's limit of a request body, request.bytes.max of
// https://developer.genesys.cloud/organization/organization/limits (UNCERTAIN: read from a copy).
const maxRequest = 512_000

// A Request is one API operation.
type Request struct {
	Op         string     // low-cardinality name for errors, logs and metrics: "routing.languages.list". Empty: "do"
	Method     string     // empty: GET
	Path       []string   // segments after /api/v2, each checked and escaped
	Query      url.Values // may be nil
	Body       any        // sent as JSON; nil: no body. At most 512,000 bytes
	Idempotent bool       // a repeat is harmless, so a 5xx may be retried whatever the method
}

// Do sends any request with this client's token, retries and limits, and decodes the answer into out (nil: dropped; an
// empty answer leaves out alone). It is for operations this package has no method for.
//
// A path segment that is empty, "." or "..", or that holds a slash even once decoded, is refused before anything is sent.
// Errors: *[Error] for an answer that is not a 2xx or cannot be decoded, otherwise one that wraps the cause; see [EffectOf].
func (c *Client) Do(ctx context.Context, r Request, out any) error { return c.core.do(ctx, r, out) }

func (c *core) do(ctx context.Context, r Request, out any) (err error) {
	r.Op = first(r.Op, "do")
	call, start := Call{Op: r.Op}, time.Now()
	defer func() { c.finish(ctx, &call, start, err) }()
	hr, err := c.build(r)
	if err != nil {
		return invalid(r.Op, err)
	}
	hr.OnRetry = c.warnRetry(ctx, r.Op)
	resp, err := c.authorized(ctx, r.Op, hr, &call)
	if err != nil {
		return err
	}
	if resp.Status/100 != 2 {
		return answerError(r.Op, resp)
	}
	if out == nil || len(bytes.TrimSpace(resp.Body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(resp.Body, out); err != nil {
		// The decoder's text may quote the answer, so it is not kept.
		return &Error{
			Op: r.Op, StatusCode: resp.Status, Code: codeUnreadable, CorrelationID: correlationID(resp.Header),
			hint: "the answer is not the JSON this operation has: is a proxy in the way, or the endpoint wrong?",
		}
	}
	return nil
}

// build checks everything that can be wrong before a token is spent on it.
func (c *core) build(r Request) (httpx.Request, error) {
	path, err := httpx.Path(r.Path...)
	if err != nil {
		return httpx.Request{}, err
	}
	u, err := url.Parse(c.api.String() + "/api/v2" + path)
	if err != nil {
		return httpx.Request{}, errors.New("the path is not usable in a URL")
	}
	u.RawQuery = r.Query.Encode()
	hr := httpx.Request{
		Method: r.Method, URL: u, Idempotent: r.Idempotent,
		Header: http.Header{"Accept": {"application/json"}, "User-Agent": {c.agent}},
	}
	if hr.Method == "" {
		hr.Method = http.MethodGet
	}
	if r.Body == nil {
		return hr, nil
	}
	if hr.Body, err = json.Marshal(r.Body); err != nil {
		return httpx.Request{}, fmt.Errorf("the body cannot be written as JSON: %w", err)
	}
	if len(hr.Body) > maxRequest {
		return httpx.Request{}, fmt.Errorf("the body has %d bytes, Genesys takes %d at most", len(hr.Body), maxRequest)
	}
	hr.Header.Set("Content-Type", "application/json")
	return hr, nil
}

// authorized sends hr with the token. A 401 drops the token and sends once more with another: it may have been deleted, or
// the OAuth client edited. A 401 means that nothing was done, so this is safe for every method.
func (c *core) authorized(ctx context.Context, op string, hr httpx.Request, call *Call) (*httpx.Response, error) {
	tok, err := c.tokens.get(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, op, hr, tok, call)
	if err != nil || resp.Status != http.StatusUnauthorized || resp.Ambiguous {
		return resp, err
	}
	c.tokens.drop(tok)
	next, err := c.tokens.get(ctx)
	if err != nil {
		return nil, err
	}
	if next.AccessToken == tok.AccessToken {
		return resp, nil
	}
	return c.send(ctx, op, hr, next, call)
}

func (c *core) send(ctx context.Context, op string, hr httpx.Request, tok *oauth2.Token, call *Call) (*httpx.Response, error) {
	hr.Header.Set("Authorization", "Bearer "+tok.AccessToken)
	resp, err := c.http.Do(ctx, hr)
	if err != nil {
		call.failed(err)
		return nil, unanswered(op, err)
	}
	call.answered(resp.Status, resp.Attempts, resp.Header)
	return resp, nil
}
