package openmessaging

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Contents is the content list of a message.
//
// Unknown kinds survive a round trip. MarshalJSON returns their bytes unchanged. When
// encoding/json calls MarshalJSON, it removes insignificant space and escapes <, > and &
// (unless SetEscapeHTML(false) is set), which changes bytes but no value.
type Contents []Content

// These are the values of contentType.
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

// wireContent has a field for every kind, so that a list is decoded in the same pass as the
// body around it.
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

// MarshalJSON returns the list as JSON; a nil list is []. It returns an error if an element is
// nil or a pointer, if a coordinate is not a number, or if UnknownContent.Raw is not JSON.
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

// UnmarshalJSON reads a list. An item that is unknown or cannot be decoded becomes an
// [UnknownContent]; the other items are still read. It returns an error only if b is not a JSON
// array. Both null and [] are read as a nil list.
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
	*c = readLooseItems(raw)
	return nil
}

// readContents converts a decoded list. It reports false if an item is of an unknown kind.
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

// read returns the content of the kind that contentType names. It reports false if there is
// none.
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

// kind returns the content type. It accepts an attachment without contentType, because the
// inbound schema has no such field.
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

var (
	errRaw     = errors.New("UnknownContent.Raw is not JSON; keep the bytes as they came")
	errPointer = errors.New("is nil or a pointer; use one of the content types as a value")
)

func marshalContent(c Content) ([]byte, error) {
	var w wireContent
	switch c := c.(type) {
	case Text:
		w = wireContent{ContentType: kindText, Text: &c}
	case Attachment:
		w = wireContent{ContentType: kindAttachment, Attachment: &c}
	case QuickReply:
		w = wireContent{ContentType: kindQuickReply, QuickReply: &c}
	case QuickReplies:
		w = wireContent{ContentType: kindQuickReplies, QuickReplies: &c}
	case Card:
		w = wireContent{ContentType: kindCard, Card: &c}
	case Carousel:
		w = wireContent{ContentType: kindCarousel, Carousel: &c}
	case DatePicker:
		w = wireContent{ContentType: kindDatePicker, DatePicker: c.wire()}
	case ListPicker:
		w = wireContent{ContentType: kindListPicker, ListPicker: &c}
	case Template:
		w = wireContent{ContentType: kindTemplate, Template: c.wire()}
	case Location:
		w = wireContent{ContentType: kindLocation, Location: &c}
	case UnknownContent:
		return c.marshal()
	default:
		return nil, errPointer
	}
	return json.Marshal(w)
}

// marshal returns Raw unchanged. Without Raw it returns an object with only the kind.
func (c UnknownContent) marshal() ([]byte, error) {
	if len(c.Raw) == 0 {
		return json.Marshal(wireContent{ContentType: c.Kind})
	}
	if !json.Valid(c.Raw) {
		return nil, errRaw
	}
	return c.Raw, nil
}
