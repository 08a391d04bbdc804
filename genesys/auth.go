package genesys

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/genesyshandover/genesyshandover/internal/httpx"
)

const opToken = "oauth.token" //nolint:gosec // the name of an operation

// An Auth is [ClientCredentials] or [TokenSource].
type Auth interface {
	fetch(ctx context.Context, c *core) (*oauth2.Token, error)
}

// ClientCredentials authenticates as an OAuth client with the Client Credentials grant, the only
// grant that the Open Messaging endpoints accept. The token is fetched from the region's login host
// at the first call, with the credentials in the Authorization header.
//
// The value does not show the secret when it is printed.
//
// See https://developer.genesys.cloud/authorization/platform-auth/use-client-credentials
func ClientCredentials(id, secret string) Auth { return clientCredentials{id, secret} }

type clientCredentials struct{ id, secret string }

// Format hides the credentials from every fmt verb.
func (clientCredentials) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "genesys.ClientCredentials([redacted])")
}

// MarshalText hides them from JSON and slog.
func (clientCredentials) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

func (a clientCredentials) fetch(ctx context.Context, c *core) (tok *oauth2.Token, err error) {
	conf := clientcredentials.Config{
		ClientID: a.id, ClientSecret: a.secret,
		TokenURL: c.login.String() + "/oauth/token", AuthStyle: oauth2.AuthStyleInHeader,
	}
	call, start := Call{Op: opToken}, time.Now()
	defer func() { c.finish(ctx, &call, start, err) }()
	hc := &http.Client{Transport: tokenTransport{c, &call}}
	tok, err = conf.Token(context.WithValue(ctx, oauth2.HTTPClient, hc))
	if err != nil {
		return nil, c.tokenError(err)
	}
	return tok, nil
}

// TokenSource authenticates with tokens that the host gets elsewhere, such as a shared cache. ts is
// called at the first call, a minute before its token expires, and after a 401; never by two
// goroutines at once.
func TokenSource(ts oauth2.TokenSource) Auth { return tokenSource{ts} }

type tokenSource struct{ ts oauth2.TokenSource }

func (a tokenSource) fetch(context.Context, *core) (*oauth2.Token, error) {
	tok, err := a.ts.Token()
	if err != nil {
		return nil, unanswered(opToken, err)
	}
	if tok == nil || tok.AccessToken == "" {
		return nil, invalid(opToken, errors.New("the token source returned no token"))
	}
	return tok, nil
}

// tokenTransport sends the token request like every other request, with the same client and
// retries. Fetching a token twice is harmless.
type tokenTransport struct {
	c    *core
	call *Call
}

// RoundTrip implements http.RoundTripper for package oauth2.
func (t tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	header := req.Header.Clone()
	header.Set("User-Agent", t.c.agent)
	r, err := t.c.http.Do(req.Context(), httpx.Request{
		Method: req.Method, URL: req.URL, Header: header, Body: body, Idempotent: true,
		OnRetry: t.c.warnRetry(req.Context(), opToken),
	})
	if err != nil {
		t.call.failed(err)
		return nil, err
	}
	t.call.answered(r.Status, r.Attempts, r.Header)
	return &http.Response{
		StatusCode: r.Status, Header: r.Header, Request: req, ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(r.Body)), Body: io.NopCloser(bytes.NewReader(r.Body)),
	}, nil
}

// tokenError converts the errors of package oauth2. The body of the login host differs from the
// API's: one official client reads error_description, another description, so both are read.
func (c *core) tokenError(err error) error {
	if _, ok := errors.AsType[*httpx.SendError](err); ok {
		return unanswered(opToken, err)
	}
	re, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || re.Response == nil {
		return invalid(opToken, errors.New("the answer of the login host has no token: is the login URL right?"))
	}
	e := answerError(opToken, &httpx.Response{Status: re.Response.StatusCode, Header: re.Response.Header, Body: re.Body})
	e.MissingPermissions = nil
	var body struct {
		Error            string `json:"error"`
		ErrorDescription string `json:"error_description"`
		Description      string `json:"description"`
	}
	_ = json.Unmarshal(re.Body, &body) // if it is not JSON, the status must do
	if code := token(body.Error, 100); code != "" {
		e.Code = code
	}
	for _, d := range []string{body.ErrorDescription, body.Description} {
		if d != "" {
			e.Message = d
			break
		}
	}
	if e.Is(ErrUnauthorized) {
		e.hint = fmt.Sprintf("Genesys answers a wrong secret and a wrong region alike: check the client id and secret, "+
			"that the client uses the Client Credentials grant, and that the organisation is in region %s (%s)", c.region, c.login.Host)
	}
	return e
}

const (
	// Before a token expires; a quarter of its lifetime if that is less.
	renewEarly   = time.Minute
	renewPause   = 10 * time.Second // after a failed renewal while the token is still valid
	fetchTimeout = 45 * time.Second // retries included
)

// tokens keeps one token and fetches it once for all callers that wait.
type tokens struct {
	auth Auth

	mu     sync.Mutex
	token  *oauth2.Token
	renew  time.Time // when another is fetched; zero: never
	flight *flight   // the running fetch
}

type flight struct {
	done  chan struct{}
	token *oauth2.Token
	err   error
}

// get returns the token. One fetch serves all callers that wait for it. It uses the retries of the
// client that needed it first (c), and ignores that caller's cancellation, so that a cancelled
// caller does not fail the others.
func (t *tokens) get(ctx context.Context, c *core) (*oauth2.Token, error) {
	if ctx.Err() != nil {
		return nil, unanswered(opToken, httpx.Ended(ctx))
	}
	t.mu.Lock()
	if t.token != nil && (t.renew.IsZero() || time.Now().Before(t.renew)) {
		defer t.mu.Unlock()
		return t.token, nil
	}
	f := t.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		t.flight = f
		go t.run(context.WithoutCancel(ctx), c, f)
	}
	t.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return nil, unanswered(opToken, httpx.Ended(ctx))
	}
}

func (t *tokens) run(ctx context.Context, c *core, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	start := time.Now()
	f.token, f.err = t.auth.fetch(ctx, c)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flight = nil
	switch {
	case f.err == nil:
		t.token, t.renew = f.token, renewal(f.token.Expiry, start)
	case t.token != nil && time.Now().Before(t.token.Expiry):
		// The login host is down, but the token is still valid.
		f.token, f.err = t.token, nil
		t.renew = time.Now().Add(renewPause)
		if t.renew.After(t.token.Expiry) {
			t.renew = t.token.Expiry
		}
	}
	close(f.done)
}

func renewal(expiry, start time.Time) time.Time {
	if expiry.IsZero() {
		return time.Time{}
	}
	return expiry.Add(-min(renewEarly, expiry.Sub(start)/4))
}

// drop forgets tok after a 401, unless it has been replaced since.
func (t *tokens) drop(tok *oauth2.Token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != nil && t.token.AccessToken == tok.AccessToken {
		t.token = nil
	}
}
