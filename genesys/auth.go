package genesys

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/genesyshandover/genesyshandover/internal/httpx"
)

const opToken = "oauth.token" //nolint:gosec // the name of an operation

// An Auth is [ClientCredentials] or [TokenSource].
type Auth interface {
	fetcher(c *core) func(context.Context) (*oauth2.Token, error)
}

// ClientCredentials authenticates as an OAuth client with the Client Credentials grant: the only one the Open Messaging
// endpoints accept. The token is fetched from the region's login host through the client given to [New], with the
// credentials in the Authorization header, at the first call.
//
// The value does not show the secret when printed.
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

func (a clientCredentials) fetcher(c *core) func(context.Context) (*oauth2.Token, error) {
	conf := clientcredentials.Config{
		ClientID: a.id, ClientSecret: a.secret,
		TokenURL: c.login.String() + "/oauth/token", AuthStyle: oauth2.AuthStyleInHeader,
	}
	return func(ctx context.Context) (tok *oauth2.Token, err error) {
		call, start := Call{Op: opToken}, time.Now()
		defer func() { c.finish(ctx, &call, start, err) }()
		hc := &http.Client{Transport: tokenTransport{c, &call}}
		tok, err = conf.Token(context.WithValue(ctx, oauth2.HTTPClient, hc))
		if err != nil {
			return nil, c.tokenError(err)
		}
		return tok, nil
	}
}

// TokenSource authenticates with tokens the host gets elsewhere, such as a shared cache. ts is asked for a token at the
// first call, again a minute before that one expires, and after a 401; never by two goroutines at once.
func TokenSource(ts oauth2.TokenSource) Auth { return tokenSource{ts} }

type tokenSource struct{ ts oauth2.TokenSource }

func (a tokenSource) fetcher(*core) func(context.Context) (*oauth2.Token, error) {
	return func(context.Context) (*oauth2.Token, error) {
		tok, err := a.ts.Token()
		if err != nil {
			return nil, unanswered(opToken, err)
		}
		if tok == nil || tok.AccessToken == "" {
			return nil, invalid(opToken, errors.New("the token source gave no token"))
		}
		return tok, nil
	}
}

// tokenTransport sends the token request as every other: same client, same retries. To ask twice for a token is harmless.
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

// tokenError translates package oauth2's errors. The login host's body differs from the API's: error_description in one
// official client, description in another, so both are read.
func (c *core) tokenError(err error) error {
	if _, ok := errors.AsType[*httpx.SendError](err); ok {
		return unanswered(opToken, err)
	}
	re, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || re.Response == nil {
		return invalid(opToken, errors.New("the login host's answer holds no token: is the login URL right?"))
	}
	e := answerError(opToken, &httpx.Response{Status: re.Response.StatusCode, Header: re.Response.Header, Body: re.Body})
	e.MissingPermissions = nil
	var body struct {
		Error            string `json:"error"`
		ErrorDescription string `json:"error_description"`
		Description      string `json:"description"`
	}
	_ = json.Unmarshal(re.Body, &body) // not JSON: the status has to do
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
