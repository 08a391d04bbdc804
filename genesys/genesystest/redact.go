package genesystest

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf8"
)

const redacted = "redacted"

// private reports whether a property must not be in a file.
func private(name string) bool {
	switch strings.ToLower(name) {
	case "access_token", "refresh_token", "client_secret", "client_id", "password", "secret", "token",
		"outboundnotificationwebhooksignaturesecrettoken", "webhookheaders", "connecturi",
		"nickname", "firstname", "lastname", "email", "image":
		return true
	default:
		return false
	}
}

// describe makes a body readable and safe.
func describe(contentType string, body []byte) content {
	switch {
	case len(body) == 0:
		return content{}
	case json.Valid(body):
		return content{JSON: redactJSON(body)}
	case strings.HasPrefix(contentType, "application/x-www-form-urlencoded"):
		return content{Text: redactForm(string(body))}
	case utf8.Valid(body):
		return content{Text: string(body)}
	default:
		return content{Bytes: body}
	}
}

// redactJSON keeps numbers as they are written.
func redactJSON(body []byte) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return encode(redacted)
	}
	return encode(redactValue(v))
}

func redactValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if private(name) {
				v[name] = mask(value)
			} else {
				v[name] = redactValue(value)
			}
		}
	case []any:
		for i := range v {
			v[i] = redactValue(v[i])
		}
	}
	return v
}

// mask hides every text in v and keeps its shape, so that what reads it still can.
func mask(v any) any {
	switch v := v.(type) {
	case string:
		return redacted
	case map[string]any:
		for name, value := range v {
			v[name] = mask(value)
		}
	case []any:
		for i := range v {
			v[i] = mask(v[i])
		}
	}
	return v
}

func redactForm(body string) string {
	form, err := url.ParseQuery(body)
	if err != nil {
		return redacted
	}
	return redactValues(form).Encode()
}

func redactURL(u *url.URL) string {
	clean := *u
	clean.User = nil
	clean.RawQuery = redactValues(u.Query()).Encode()
	return clean.String()
}

func redactValues(form url.Values) url.Values {
	for name := range form {
		if private(name) {
			form.Set(name, redacted)
		}
	}
	return form
}
