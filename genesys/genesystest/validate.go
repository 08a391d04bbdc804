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

// decodeBody reads a request into v. A property the definition of the operation does not have is refused: Genesys may
// ignore it, but whoever sends it expects something that will not happen.
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

// checks collects the first thing wrong with a request.
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

// moment reads a time in the form the API documents, yyyy-MM-ddTHH:mm:ss[.mmm]Z. That more digits are refused is
// UNCERTAIN.
func (k *checks) moment(value *string, field string) time.Time {
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
	at = k.moment(c.Time, "channel.time")
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
