package genesys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/internal/httpx"
)

// Why Download refuses.
var (
	ErrTooLarge   = errors.New("genesys: the attachment is too large")
	ErrType       = errors.New("genesys: the attachment's type is not allowed")
	ErrBadAddress = errors.New("genesys: the attachment's address is not allowed")
)

const (
	opDownload   = "download"
	defaultBytes = 25 << 20
	maxRedirects = 5
)

// DownloadLimits bound what [Client.Download] takes.
type DownloadLimits struct {
	Bytes int64    // zero: 25 MiB; Genesys' own limit is 25 MB, https://help.mypurecloud.com/articles/supported-content-profiles/
	MIME  []string // "image/png", "image/*"; empty: every type
}

// Download opens an attachment that an agent sent. Close the reader. Reading past the limit fails with [ErrTooLarge].
//
// The address comes from the network, so it is not trusted: https only, at most five redirects, each checked like the first.
// The token goes to Genesys' own hosts alone (api., apps. and api-downloads. of the region, and the endpoints given to
// [WithEndpoints]), and only after they answered 401 or 403 without it; how long an address lives and whether it wants a
// token is UNCERTAIN. With the default transport no private, loopback or link-local address is connected to, whatever the
// name resolves to, and no proxy is used. With [WithHTTPClient] the dialer is the caller's: then only host names and literal
// addresses are checked.
//
// The declared type must be allowed, and so must the served one, unless that is absent or application/octet-stream.
// Errors: [ErrTooLarge], [ErrType], [ErrBadAddress], *[Error] for an answer that is not a 2xx. Nothing is repeated.
func (c *Client) Download(ctx context.Context, a openmessaging.Attachment, l DownloadLimits) (_ io.ReadCloser, err error) {
	call, start := Call{Op: opDownload}, time.Now()
	defer func() { c.core.finish(ctx, &call, start, err) }()
	if l.Bytes < 0 {
		return nil, invalid(opDownload, errors.New("DownloadLimits.Bytes is negative"))
	}
	if l.Bytes == 0 {
		l.Bytes = defaultBytes
	}
	if a.Size > l.Bytes {
		return nil, invalid(opDownload, tooLarge(l.Bytes))
	}
	if !l.allows(a.MIME, false) {
		return nil, invalid(opDownload, ErrType)
	}
	u, err := url.Parse(a.URL)
	if err != nil {
		return nil, invalid(opDownload, fmt.Errorf("%w: it is not a URL", ErrBadAddress))
	}
	resp, err := c.core.follow(ctx, u, &call)
	if err != nil {
		return nil, err
	}
	if err := l.check(resp); err != nil {
		_ = resp.Body.Close()
		return nil, invalid(opDownload, err)
	}
	return &limited{resp.Body, l.Bytes, l.Bytes}, nil
}

// follow walks the redirects and returns the first 2xx.
func (c *core) follow(ctx context.Context, u *url.URL, call *Call) (*http.Response, error) {
	for range maxRedirects + 1 {
		resp, err := c.open(ctx, u, call)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode/100 == 2 {
			return resp, nil
		}
		next, err := resp.Location()
		if resp.StatusCode/100 != 3 || err != nil {
			return nil, downloadError(resp)
		}
		_ = resp.Body.Close()
		u = next
	}
	return nil, invalid(opDownload, fmt.Errorf("%w: more than %d redirects", ErrBadAddress, maxRedirects))
}

// open asks one address, with the token where it is Genesys' own and wants one.
func (c *core) open(ctx context.Context, u *url.URL, call *Call) (*http.Response, error) {
	own := c.ownHost(u)
	if err := checkAddress(u, own); err != nil {
		return nil, invalid(opDownload, err)
	}
	resp, err := c.fetch(ctx, u, own, "", call)
	if err != nil || !own || resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden {
		return resp, err
	}
	_ = resp.Body.Close()
	tok, err := c.tokens.get(ctx)
	if err != nil {
		return nil, err
	}
	return c.fetch(ctx, u, own, tok.AccessToken, call)
}

func (c *core) fetch(ctx context.Context, u *url.URL, own bool, token string, call *Call) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, invalid(opDownload, fmt.Errorf("%w: it is not a URL", ErrBadAddress))
	}
	req.Header.Set("User-Agent", c.agent)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.downloader(own).Do(req)
	if err != nil {
		call.Attempts++
		if errors.Is(err, ErrBadAddress) {
			return nil, invalid(opDownload, fmt.Errorf("%w: it resolves to a private one", ErrBadAddress))
		}
		if ctx.Err() != nil {
			err = httpx.Ended(ctx)
		} else if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err
		}
		return nil, unanswered(opDownload, err)
	}
	call.answered(resp.StatusCode, 1, resp.Header)
	return resp, nil
}

func downloadError(resp *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, httpx.MaxErrorBody))
	_ = resp.Body.Close()
	return answerError(opDownload, &httpx.Response{Status: resp.StatusCode, Header: resp.Header, Body: body})
}

func (l DownloadLimits) check(resp *http.Response) error {
	if resp.ContentLength > l.Bytes {
		return tooLarge(l.Bytes)
	}
	if !l.allows(resp.Header.Get("Content-Type"), true) {
		return ErrType
	}
	return nil
}

// allows: a server that does not know the type may say so.
func (l DownloadLimits) allows(contentType string, served bool) bool {
	if len(l.MIME) == 0 {
		return true
	}
	got, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		got = strings.ToLower(strings.TrimSpace(contentType))
	}
	if served && (got == "" || got == "application/octet-stream" || got == "binary/octet-stream") {
		return true
	}
	for _, want := range l.MIME {
		want = strings.ToLower(strings.TrimSpace(want))
		if want == got || want == "*/*" || strings.HasSuffix(want, "/*") && strings.HasPrefix(got, want[:len(want)-1]) {
			return true
		}
	}
	return false
}

func tooLarge(limit int64) error {
	return fmt.Errorf("%w: over the limit of %d bytes", ErrTooLarge, limit)
}

// limited fails at the first byte too many: a cut attachment must not pass for a whole one.
type limited struct {
	io.ReadCloser

	left, limit int64
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, tooLarge(l.limit)
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n - 1, tooLarge(l.limit)
	}
	return n, err
}
