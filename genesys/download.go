package genesys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/internal/httpx"
)

// The reasons why Download refuses an attachment.
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

// DownloadLimits bound what [Client.Download] accepts.
type DownloadLimits struct {
	// Zero: 25 MiB; Genesys' own limit is 25 MB,
	// https://help.mypurecloud.com/articles/supported-content-profiles/
	Bytes int64
	MIME  []string // "image/png", "image/*"; empty: every type
}

// Download opens an attachment that an agent sent. The caller must close the reader. Reading past
// the limit fails with [ErrTooLarge].
//
// The URL is not trusted: only https is allowed, and at most five redirects, each checked like the
// first URL. The token is sent only to Genesys' hosts (api., apps. and api-downloads. of the
// region, and the endpoints of [WithEndpoints]), and only after they answered 401 or 403 without
// it. How long a URL is valid, and whether it needs a token, is UNCERTAIN. The default transport
// connects to no private, loopback or link-local address, even if the name resolves to one, and
// uses no proxy. With [WithHTTPClient] the dialer is the caller's, so only host names and literal
// addresses are checked.
//
// Both the declared and the served type must be allowed. A served type that is missing or
// application/octet-stream passes. Errors: [ErrTooLarge], [ErrType], [ErrBadAddress], and *[Error]
// for an answer that is not a 2xx. Nothing is retried.
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

// follow follows the redirects and returns the first 2xx.
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

// open requests one URL, with the token if the host is Genesys' own and needs one.
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
	tok, err := c.tokens.get(ctx, c)
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

// allows reports whether a type is allowed. A served type may be unknown.
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

// limited fails at the first byte beyond the limit, so that a cut attachment does not pass for a
// complete one.
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

// downloadTimeout bounds a download with the default client, body included. A context may bound it
// further.
const downloadTimeout = 5 * time.Minute

// ownHost reports whether the token may be sent to a host: over plain http only to an endpoint of
// WithEndpoints.
func (c *core) ownHost(u *url.URL) bool {
	for _, e := range []*url.URL{c.api, c.login} {
		if u.Scheme == e.Scheme && strings.EqualFold(u.Host, e.Host) {
			return true
		}
	}
	if u.Scheme != "https" || u.Port() != "" && u.Port() != "443" {
		return false
	}
	for _, prefix := range []string{"api.", "apps.", "api-downloads."} {
		if strings.EqualFold(u.Hostname(), prefix+c.region.Domain()) {
			return true
		}
	}
	return false
}

// checkAddress checks a URL without resolving its name.
func checkAddress(u *url.URL, own bool) error {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	switch {
	case own:
		return nil
	case u.Scheme != "https":
		return fmt.Errorf("%w: it must be https", ErrBadAddress)
	case host == "" || u.User != nil:
		return fmt.Errorf("%w: it has no host, or a user", ErrBadAddress)
	case !strings.Contains(host, ".") && !strings.Contains(host, ":"),
		strings.HasSuffix(host, ".localhost"), strings.HasSuffix(host, ".local"), strings.HasSuffix(host, ".internal"):
		return fmt.Errorf("%w: its host is a private name", ErrBadAddress)
	}
	if ip, err := netip.ParseAddr(host); err == nil && !public(ip) {
		return fmt.Errorf("%w: it is a private one", ErrBadAddress)
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if _, err := strconv.ParseUint(last, 0, 64); err == nil && net.ParseIP(host) == nil {
		// 0x7f.1 is 127.0.0.1 to some.
		return fmt.Errorf("%w: its host is an unusual form of a number", ErrBadAddress)
	}
	return nil
}

// public reports whether ip can be the address of an attachment. It excludes private, loopback,
// link-local (cloud metadata), shared (RFC 6598), benchmarking, documentation, multicast and
// unspecified addresses, and IPv6 forms that contain an IPv4 address.
func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if ip.Zone() != "" || !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}
	for _, cidr := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		if netip.MustParsePrefix(cidr).Contains(ip) {
			return false
		}
	}
	return true
}

// downloader returns a client that follows no redirects. If the transport is ours, it checks the
// resolved address, so that a name cannot point to a private one, and uses no proxy, which would
// resolve the name itself.
func (c *core) downloader(own bool) *http.Client {
	hc := *c.direct
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	hc.Jar = nil
	if c.own {
		hc.Timeout = max(hc.Timeout, downloadTimeout)
		if !own {
			hc.Transport = guarded()
		}
	}
	return &hc
}

func guarded() *http.Transport {
	t := httpx.NewTransport()
	t.Proxy = nil
	t.DisableKeepAlives = true // the transport serves one download
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil || !public(ap.Addr()) {
			return ErrBadAddress
		}
		return nil
	}}
	t.DialContext = dialer.DialContext
	return t
}
