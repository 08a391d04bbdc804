package genesystest

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"time"
)

type token struct {
	expires time.Time
	revoked bool
	window  time.Time // when its minute began
	used    int
}

type tokenBody struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
}

// tokenError is how the login host answers: not as the API does.
type tokenError struct {
	Error            string `json:"error"`
	Description      string `json:"description"`
	ErrorDescription string `json:"error_description"`
}

func loginFailure(status int, code, text string) answer {
	return answer{status: status, body: tokenError{code, text, text}}
}

// grant is POST /oauth/token. Client and secret come by Basic authentication, or in the form.
func (o *Org) grant(c *call) answer {
	form, err := url.ParseQuery(string(c.body))
	if err != nil || !strings.HasPrefix(c.request.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		a := loginFailure(http.StatusBadRequest, "invalid_request", "the body is not a form")
		a.mistake = "the token endpoint takes application/x-www-form-urlencoded"
		return a
	}
	if form.Get("grant_type") != "client_credentials" {
		a := loginFailure(http.StatusBadRequest, "unsupported_grant_type", "grant_type is not client_credentials")
		a.mistake = "grant_type is not client_credentials"
		return a
	}
	id, secret, ok := c.request.BasicAuth()
	if ok {
		id, secret = unescape(id), unescape(secret)
	} else {
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	if id != o.clientID() || subtle.ConstantTimeCompare([]byte(secret), []byte(o.secret)) != 1 {
		return loginFailure(http.StatusUnauthorized, "invalid_client", "client not found or secret wrong")
	}
	value := o.hex("token", 64)
	o.tokens[value] = &token{expires: time.Now().Add(o.opt.tokenLife)}
	return answerOK(tokenBody{value, "bearer", int(o.opt.tokenLife / time.Second)})
}

// unescape undoes the form encoding that RFC 6749 section 2.3.1 asks for in Basic authentication.
func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// authenticate finds the token of a request.
func (o *Org) authenticate(r *http.Request) (*token, answer) {
	kind, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "bearer") || value == "" {
		return nil, failure(http.StatusUnauthorized, "authentication.required", "No bearer token was sent").mistaken()
	}
	t := o.tokens[value]
	switch {
	case t == nil || t.revoked:
		return nil, failure(http.StatusUnauthorized, "bad.credentials", "The token is not valid")
	case !time.Now().Before(t.expires):
		return nil, failure(http.StatusUnauthorized, "credentials.expired", "The token has expired")
	}
	return t, answer{}
}

// ExpireTokens makes every token handed out so far worthless, as editing the OAuth client does. New ones are granted.
// Notification sockets that were opened under them close.
func (o *Org) ExpireTokens() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, t := range o.tokens {
		t.revoked = true
	}
	o.closeRevoked()
}

// RevokeClient changes the OAuth client's secret: tokens end, and new ones are granted only for the secret returned.
func (o *Org) RevokeClient() (secret string) {
	o.ExpireTokens()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.secret = o.hex("client-secret", 43)
	return o.secret
}
