package openmessaging

import (
	"encoding/json"
	"fmt"
)

// Contents is a list of content as it stands on the wire.
//
// Unknown kinds survive a round trip. MarshalJSON returns their bytes exactly as they came; encoding/json, when it
// calls MarshalJSON, removes insignificant space and escapes <, > and & (unless told SetEscapeHTML(false)), which
// changes bytes but no value.
type Contents []Content

// The wire's content types.
const (
	kindText         = "Text"
	kindAttachment   = "Attachment"
	kindQuickReply   = "QuickReply"
	kindQuickReplies = "QuickReplyV2"
	kindCard         = "Card"
	kindCarousel     = "Carousel"
	kindDatePicker   = "DatePicker"
	kindListPicker   = "ListPicker"
	kindTemplate     = "Notification"
	kindLocation     = "Location"
)

// wireContent has a field for every kind, so that a list is decoded in the same pass as all around it.
type wireContent struct {
	ContentType  string          `json:"contentType,omitempty"`
	Text         *Text           `json:"text,omitempty"`
	Attachment   *Attachment     `json:"attachment,omitempty"`
	QuickReply   *QuickReply     `json:"quickReply,omitempty"`
	QuickReplies *QuickReplies   `json:"quickReplyV2,omitempty"`
	Card         *Card           `json:"card,omitempty"`
	Carousel     *Carousel       `json:"carousel,omitempty"`
	DatePicker   *wireDatePicker `json:"datePicker,omitempty"`
	ListPicker   *ListPicker     `json:"listPicker,omitempty"`
	Template     *wireTemplate   `json:"template,omitempty"`
	Location     *Location       `json:"location,omitempty"`
}

// MarshalJSON writes the list as the wire has it; a nil list is [].
// It is an error if an element is nil or a pointer, a coordinate is not a number, or UnknownContent.Raw is not JSON.
func (c Contents) MarshalJSON() ([]byte, error) {
	out := []byte{'['}
	for i, item := range c {
		b, err := marshalContent(item)
		if err != nil {
			return nil, fmt.Errorf("openmessaging: content %d: %w", i, err)
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, b...)
	}
	return append(out, ']'), nil
}

// UnmarshalJSON reads a list. Each item that is unknown or cannot be decoded becomes an [UnknownContent], and the
// others are still read. It is an error only if b is not a JSON array; null and [] are a nil list.
func (c *Contents) UnmarshalJSON(b []byte) error {
	var wire []wireContent
	err := json.Unmarshal(b, &wire)
	if err != nil && !isTypeError(err) {
		return decodeError("content", err)
	}
	if err == nil {
		if list, ok := readContents(wire); ok {
			*c = list
			return nil
		}
	}
	var raw []json.RawMessage
	if err := decode(b, &raw, "content"); err != nil {
		return err
	}
	*c = salvageContents(raw)
	return nil
}

// readContents takes the list as decoded, if every item of it is known.
func readContents(wire []wireContent) (Contents, bool) {
	if len(wire) == 0 {
		return nil, true
	}
	list := make(Contents, len(wire))
	for i := range wire {
		item, ok := wire[i].read()
		if !ok {
			return nil, false
		}
		list[i] = item
	}
	return list, true
}

// read returns the content of the kind that contentType names; false if there is none.
func (w *wireContent) read() (Content, bool) {
	switch w.kind() {
	case kindText:
		return value(w.Text)
	case kindAttachment:
		return value(w.Attachment)
	case kindQuickReply:
		return value(w.QuickReply)
	case kindQuickReplies:
		return value(w.QuickReplies)
	case kindCard:
		return value(w.Card)
	case kindCarousel:
		return value(w.Carousel)
	case kindListPicker:
		return value(w.ListPicker)
	case kindLocation:
		return value(w.Location)
	case kindTemplate:
		if w.Template != nil {
			return w.Template.read(), true
		}
	case kindDatePicker:
		if w.DatePicker != nil {
			return w.DatePicker.read()
		}
	}
	return nil, false
}

// kind allows an attachment without contentType: the inbound schema has no such field.
func (w *wireContent) kind() string {
	if w.ContentType == "" && w.Attachment != nil {
		return kindAttachment
	}
	return w.ContentType
}

func value[T Content](p *T) (Content, bool) {
	if p == nil {
		return nil, false
	}
	return *p, true
}
