package openmessaging

import (
	"encoding/json"
	"errors"
)

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

// marshal returns Raw itself. Without Raw, the kind is all there is to say.
func (c UnknownContent) marshal() ([]byte, error) {
	if len(c.Raw) == 0 {
		return json.Marshal(wireContent{ContentType: c.Kind})
	}
	if !json.Valid(c.Raw) {
		return nil, errRaw
	}
	return c.Raw, nil
}
