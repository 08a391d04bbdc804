package genesystest

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

type token struct {
	expires time.Time
	revoked bool
	window  time.Time // when its minute of the rate limit began
	used    int
}

type tokenBody struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
}

// tokenError is the error body of the login host, which differs from that of the API.
type tokenError struct {
	Error            string `json:"error"`
	Description      string `json:"description"`
	ErrorDescription string `json:"error_description"`
}

func loginFailure(status int, code, text string) answer {
	return answer{status: status, body: tokenError{code, text, text}}
}

// grant is POST /oauth/token. The credentials are in Basic authentication or in the form.
func (o *Org) grant(c *call) answer {
	form, err := url.ParseQuery(string(c.body))
	if err != nil || !strings.HasPrefix(c.request.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		a := loginFailure(http.StatusBadRequest, "invalid_request", "the body is not a form")
		a.mistake = "the token endpoint requires application/x-www-form-urlencoded"
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
	value := o.hexID("token", 64)
	o.tokens[value] = &token{expires: time.Now().Add(o.opt.tokenLife)}
	return answerOK(tokenBody{value, "bearer", int(o.opt.tokenLife / time.Second)})
}

// unescape decodes the form encoding that RFC 6749 section 2.3.1 requires in Basic
// authentication.
func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// authenticate returns the token of a request.
func (o *Org) authenticate(r *http.Request) (*token, answer) {
	kind, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "bearer") || value == "" {
		return nil, failure(http.StatusUnauthorized, "authentication.required", "No bearer token was sent").asMistake()
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

// ExpireTokens revokes all tokens, as editing the OAuth client does, and closes their
// notification sockets. New tokens are granted.
func (o *Org) ExpireTokens() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, t := range o.tokens {
		t.revoked = true
	}
	o.closeRevoked()
}

// RevokeClient revokes all tokens, replaces the OAuth client's secret and returns the new one.
func (o *Org) RevokeClient() (secret string) {
	o.ExpireTokens()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.secret = o.hexID("client-secret", 43)
	return o.secret
}

// GuidePermissions returns the four permissions that the setup guide asks for. The administration
// page shows "Conversation > Communication > Transfer"; the API checks blindTransfer.
func GuidePermissions() []string {
	return []string{
		"conversation:communication:blindTransfer",
		"conversation:message:receive",
		"messaging:integration:view",
		"routing:queue:view",
	}
}

// SetPermissions replaces the permissions of the role at run time, as an administrator would.
// Tokens stay valid.
func (o *Org) SetPermissions(p ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.permissions = permissionSet(p)
}

func permissionSet(p []string) map[string]bool {
	set := map[string]bool{}
	for _, name := range p {
		// The name on the administration page.
		if strings.EqualFold(name, "conversation:communication:transfer") {
			name = "conversation:communication:blindTransfer"
		}
		set[name] = true
	}
	return set
}

// A need is the permissions that an operation requires: any of the names, or all of them. Without
// names it requires none.
type need struct {
	all   bool
	names []string
}

func anyOf(names ...string) need { return need{names: names} }
func allOf(names ...string) need { return need{all: true, names: names} }

// missing returns the permissions that the role lacks, or nil if it has enough.
func (n need) missing(has map[string]bool) []string {
	var lack []string
	for _, name := range n.names {
		if !has[name] {
			lack = append(lack, name)
		}
	}
	if !n.all && len(lack) < len(n.names) {
		return nil
	}
	return lack
}

func (n need) refusal(lack []string) answer {
	a := failure(http.StatusForbidden, "missing.permissions",
		"The role lacks a required permission: {permissions}")
	if !n.all && len(n.names) > 1 {
		a = failure(http.StatusForbidden, "missing.any.permissions",
			"The role lacks all permissions that allow this: {permissions}")
	}
	return a.with("permissions", "["+strings.Join(lack, ", ")+"]")
}

// SetRateLimit changes how many requests a token may make in a minute. 0 means no limit.
func (o *Org) SetRateLimit(perMinute int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opt.rate = max(perMinute, 0)
}

// countRequest counts a request of t. It returns the headers of every answer, and the refusal if
// the request is over the limit. A minute begins with a token's first request, and with the first
// request after a minute has passed.
func (o *Org) countRequest(t *token) (http.Header, *answer) {
	if o.opt.rate == 0 {
		return nil, nil
	}
	at := time.Now()
	if at.Sub(t.window) >= time.Minute {
		t.window, t.used = at, 0
	}
	left := time.Minute - at.Sub(t.window)
	h := http.Header{}
	over := t.used >= o.opt.rate
	if !over {
		t.used++
	}
	h.Set("Inin-Ratelimit-Count", strconv.Itoa(t.used))
	h.Set("Inin-Ratelimit-Allowed", strconv.Itoa(o.opt.rate))
	h.Set("Inin-Ratelimit-Reset", strconv.Itoa(seconds(left)))
	if !over {
		return h, nil
	}
	a := tooMany(o.opt.rate, left)
	return h, &a
}

// tooMany returns a 429. The wait is in the header and in the message; 0 is in neither.
func tooMany(limit int, wait time.Duration) answer {
	text := "Rate limit exceeded the maximum."
	if wait > 0 {
		text += " Retry the request in [" + strconv.Itoa(seconds(wait)) + "] seconds"
	}
	a := failure(http.StatusTooManyRequests, "too.many.requests", text).retryAfter(wait)
	if e, ok := a.body.(errorBody); ok {
		e.Limit = &errorLimit{Key: "client.credentials.token.rate.per.minute", Value: limit}
		a.body = e
	}
	return a
}

// seconds rounds up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
