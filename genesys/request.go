package genesys

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/oauth2"

	"github.com/genesyshandover/genesyshandover/internal/httpx"
)

// maxRequest is the platform's limit of a request body, request.bytes.max of
// https://developer.genesys.cloud/organization/organization/limits (UNCERTAIN: read from a copy).
const maxRequest = 512_000

// A Request is one API operation.
type Request struct {
	// Low-cardinality name for errors, logs and metrics: "routing.languages.list". Empty: "do".
	Op         string
	Method     string     // empty: GET
	Path       []string   // segments after /api/v2, each checked and escaped
	Query      url.Values // may be nil
	Body       any        // sent as JSON; nil: no body. At most 512,000 bytes
	Idempotent bool       // a repeat is harmless, so a 5xx may be retried with any method
}

// Do sends any request with this client's token, retries and limits, and decodes the answer into
// out. If out is nil, the answer is dropped; an empty answer does not change out. It is for
// operations that this package has no method for.
//
// A path segment that is empty, "." or "..", or that contains a slash even after decoding, is
// refused before anything is sent. Errors: *[Error] for an answer that is not a 2xx or cannot be
// decoded, otherwise an error that wraps the cause; see [EffectOf].
func (c *Client) Do(ctx context.Context, r Request, out any) error { return c.core.do(ctx, r, out) }

func (c *core) do(ctx context.Context, r Request, out any) error {
	_, err := c.call(ctx, r, out)
	return err
}

// call is do, and describes the operation.
func (c *core) call(ctx context.Context, r Request, out any) (call Call, err error) {
	r.Op = first(r.Op, "do")
	call.Op = r.Op
	start := time.Now()
	defer func() { c.finish(ctx, &call, start, err) }()
	hr, err := c.build(r)
	if err != nil {
		return call, invalid(r.Op, err)
	}
	hr.OnRetry = c.warnRetry(ctx, r.Op)
	resp, err := c.authorized(ctx, r.Op, hr, &call)
	if err != nil {
		return call, err
	}
	if resp.Status/100 != 2 {
		return call, answerError(r.Op, resp)
	}
	if out == nil || len(bytes.TrimSpace(resp.Body)) == 0 {
		return call, nil
	}
	if err := json.Unmarshal(resp.Body, out); err != nil {
		// The decoder's text may quote the answer, so it is not kept.
		return call, &Error{
			Op: r.Op, StatusCode: resp.Status, Code: codeUnreadable, CorrelationID: correlationID(resp.Header),
			hint: "the answer is not the JSON of this operation: is a proxy in between, or the endpoint wrong?",
		}
	}
	return call, nil
}

// build checks the request before a token is fetched for it.
func (c *core) build(r Request) (httpx.Request, error) {
	path, err := httpx.Path(r.Path...)
	if err != nil {
		return httpx.Request{}, err
	}
	u, err := url.Parse(c.api.String() + "/api/v2" + path)
	if err != nil {
		return httpx.Request{}, errors.New("the path cannot be used in a URL")
	}
	u.RawQuery = r.Query.Encode()
	hr := httpx.Request{
		Method: r.Method, URL: u, Idempotent: r.Idempotent,
		Header: http.Header{"Accept": {"application/json"}, "User-Agent": {c.agent}}, Now: c.now,
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
		return httpx.Request{}, fmt.Errorf("the body has %d bytes, the limit of Genesys is %d", len(hr.Body), maxRequest)
	}
	hr.Header.Set("Content-Type", "application/json")
	return hr, nil
}

// authorized sends hr with the token. After a 401 it drops the token and sends once more with a new
// one, because the token may have been deleted or the OAuth client edited. A 401 means that nothing
// was performed, so this is safe for every method.
func (c *core) authorized(ctx context.Context, op string, hr httpx.Request, call *Call) (*httpx.Response, error) {
	tok, err := c.tokens.get(ctx, c)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, op, hr, tok, call)
	if err != nil || resp.Status != http.StatusUnauthorized || resp.Ambiguous {
		return resp, err
	}
	c.tokens.drop(tok)
	next, err := c.tokens.get(ctx, c)
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
	call.answeredByAPI(resp)
	return resp, nil
}

// maxPages stops a listing if the server ignores the page number.
const maxPages = 2000

// listing is one page. Some listings, queue members among them, state no totals.
type listing[T any] struct {
	Entities  []T    `json:"entities"`
	PageSize  int    `json:"pageSize"`
	PageCount int    `json:"pageCount"`
	NextURI   string `json:"nextUri"`
}

// more reports whether another page follows. How each listing marks its last page is UNCERTAIN, so
// every way is supported.
func (l listing[T]) more(page, asked int) bool {
	switch {
	case len(l.Entities) == 0:
		return false
	case l.PageCount > 0:
		return page < l.PageCount
	case l.NextURI != "":
		return true
	case l.PageSize > 0:
		return len(l.Entities) >= l.PageSize
	default:
		return len(l.Entities) >= asked
	}
}

// pages returns a sequence that fetches each page when it is needed. It ends after the first error,
// and can be ranged over again from the start.
func pages[W, T any](ctx context.Context, c *core, r Request, size int, convert func(W) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		for page := 1; page <= maxPages; page++ {
			var l listing[W]
			if err := c.do(ctx, onPage(r, page, size), &l); err != nil {
				yield(zero, err)
				return
			}
			for _, w := range l.Entities {
				if !yield(convert(w), nil) {
					return
				}
			}
			if !l.more(page, size) {
				return
			}
		}
		yield(zero, invalid(r.Op, errors.New("the listing does not end")))
	}
}

func onPage(r Request, page, size int) Request {
	q := url.Values{}
	maps.Copy(q, r.Query)
	q.Set("pageNumber", strconv.Itoa(page))
	q.Set("pageSize", strconv.Itoa(size))
	r.Query = q
	return r
}
