package genesystest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
)

// A Request is a request that the organisation got.
type Request struct {
	Time             time.Time // when it arrived, by the host's clock
	Method, Path, Op string    // Op is empty for an unknown path
	Query            string
	Status           int // 0: no answer
	Body             []byte
}

// Requests returns the requests to the API, the login host and the download host, in the order of
// their answers. A request is not included if a fault refused its connection, because it was not
// sent. The body of a token request is left out.
func (o *Org) Requests() []Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.requests)
}

func (o *Org) recordRequest(c *call, op string, status int) {
	body := c.body
	if op == opToken {
		body = nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.requests = append(o.requests, Request{
		Time: c.arrived, Method: c.request.Method, Path: c.request.URL.Path, Op: op,
		Query: c.request.URL.RawQuery, Status: status, Body: body,
	})
}

// decodeBody reads a request body into v. It refuses properties that the definition does not
// have. Genesys may ignore them, but a program that sends them expects an effect that does not
// happen.
func decodeBody(c *call, v any) *answer {
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, err = d.Token(); err == nil {
			err = errors.New("data after the JSON value")
		} else if errors.Is(err, io.EOF) {
			return nil
		}
	}
	field := ""
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field = wrong.Field
	}
	a := badRequest("bad.request", field, "cannot be read: %v", err)
	return &a
}

// checks keeps the first error found in a request.
type checks struct{ wrong *answer }

func (k *checks) refuse(code, field, format string, args ...any) {
	if k.wrong == nil {
		a := badRequest(code, field, format, args...)
		k.wrong = &a
	}
}

func (k *checks) present(ok bool, field string) bool {
	if !ok {
		k.refuse("bad.request", field, "is missing")
	}
	return ok
}

func (k *checks) oneOf(value, field string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		k.refuse("invalid.value", field, "is %q, allowed are %s", value, strings.Join(allowed, ", "))
	}
}

// timestamp parses a time in the documented form, yyyy-MM-ddTHH:mm:ss[.mmm]Z. That Genesys
// refuses more digits is UNCERTAIN.
func (k *checks) timestamp(value *string, field string) time.Time {
	if !k.present(value != nil, field) {
		return time.Time{}
	}
	for _, layout := range []string{"2006-01-02T15:04:05Z", "2006-01-02T15:04:05.000Z"} {
		if t, err := time.Parse(layout, *value); err == nil && len(*value) == len(layout) {
			return t
		}
	}
	k.refuse("invalid.date", field, "is not of the form yyyy-MM-ddTHH:mm:ss.mmmZ")
	return time.Time{}
}

func (k *checks) sender(r *recipient, field string) recipient {
	if !k.present(r != nil, field) {
		return recipient{}
	}
	k.present(r.ID != "", field+".id")
	k.present(r.IDType != "", field+".idType")
	k.oneOf(r.IDType, field+".idType", "Email", "Phone", "Opaque")
	return *r
}

func (k *checks) channel(c *inChannel) (from recipient, at time.Time) {
	if !k.present(c != nil, "channel") {
		return recipient{}, time.Time{}
	}
	from = k.sender(c.From, "channel.from")
	at = k.timestamp(c.Time, "channel.time")
	if c.Metadata != nil && c.Metadata.SubType != nil {
		k.oneOf(*c.Metadata.SubType, "channel.metadata.subType", "None", "GoogleBusinessProfile", "RoadsideAssistance", "YouTube")
	}
	return from, at
}

func (k *checks) attachments(content []inContent) {
	if len(content) > 1 {
		k.refuse("bad.request", "content", "has %d items, only one attachment is allowed", len(content))
	}
	for _, item := range content {
		if item.ContentType != nil {
			k.oneOf(*item.ContentType, "content.contentType", "Attachment")
		}
		if !k.present(item.Attachment != nil, "content.attachment") {
			return
		}
		a := item.Attachment
		k.present(a.URL != "", "content.attachment.url")
		k.present(a.Mime != "", "content.attachment.mime")
		k.oneOf(a.MediaType, "content.attachment.mediaType", "Image", "Video", "Audio", "File", "Link")
	}
}
