package openmessaging

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// This file reads the bodies that the one-pass decoder cannot: those with a field of an
// unexpected type, and those with content of an unknown kind. It reads each field separately,
// so that one bad field does not affect the others.

// loose reads a JSON value of any type and never fails: a value that cannot be converted to T
// stays zero.
type loose[T any] struct{ v T }

func (l *loose[T]) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &l.v) != nil {
		_ = json.Unmarshal(convertTypes(b), &l.v) // a value that cannot be converted stays zero
	}
	return nil
}

type looseOutbound struct {
	ID             loose[string]               `json:"id"`
	Channel        loose[looseChannel]         `json:"channel"`
	Type           loose[string]               `json:"type"`
	Text           json.RawMessage             `json:"text"`
	Content        json.RawMessage             `json:"content"`
	Events         loose[[]loose[looseEvent]]  `json:"events"`
	Status         loose[Status]               `json:"status"`
	Reasons        loose[[]loose[looseReason]] `json:"reasons"`
	Final          loose[bool]                 `json:"isFinalReceipt"`
	Origin         loose[Origin]               `json:"originatingEntity"`
	ConversationID loose[string]               `json:"conversationId"`
}

type looseChannel struct {
	ID        loose[string]     `json:"id"`
	MessageID loose[string]     `json:"messageId"`
	To        loose[looseParty] `json:"to"`
	From      loose[looseParty] `json:"from"`
	Time      loose[string]     `json:"time"`
}

type looseParty struct {
	ID loose[string] `json:"id"`
}

type looseEvent struct {
	EventType loose[string] `json:"eventType"`
	Typing    loose[struct {
		Duration json.RawMessage `json:"duration"`
	}] `json:"typing"`
}

type looseReason struct {
	Code    loose[ReasonCode] `json:"code"`
	Message loose[string]     `json:"message"`
}

func parseLoose(b []byte) (Outbound, error) {
	var l looseOutbound
	if err := decode(b, &l, "outbound"); err != nil {
		return Outbound{}, err
	}
	ch := l.Channel.v
	w := wireOutbound{
		ID: l.ID.v, Type: l.Type.v, Status: l.Status.v, Final: l.Final.v, Origin: l.Origin.v,
		ConversationID: l.ConversationID.v,
		Channel: wireOutboundChannel{
			ID: ch.ID.v, MessageID: ch.MessageID.v, Time: ch.Time.v,
			To: wireParty{ID: ch.To.v.ID.v}, From: wireParty{ID: ch.From.v.ID.v},
		},
	}
	for _, e := range l.Events.v {
		w.Events = append(w.Events, wireEvent{
			EventType: e.v.EventType.v, Typing: &wireTyping{Duration: number(e.v.Typing.v.Duration)},
		})
	}
	for _, r := range l.Reasons.v {
		w.Reasons = append(w.Reasons, Reason{Code: r.v.Code.v, Message: r.v.Message.v})
	}
	var list Contents
	text := json.RawMessage(bytes.TrimSpace(l.Text))
	if len(text) > 0 && json.Unmarshal(text, &w.Text) != nil && json.Unmarshal(convertTypes(text), &w.Text) != nil {
		list = Contents{UnknownContent{Raw: text}}
	}
	return w.read(append(list, readLooseContent(l.Content)...), b), nil
}

// readLooseContent reads a content field. A field that is not a list is one unknown item.
func readLooseContent(b json.RawMessage) Contents {
	if len(b) == 0 {
		return nil
	}
	var raw []json.RawMessage
	if json.Unmarshal(b, &raw) != nil {
		raw = []json.RawMessage{b}
	}
	return readLooseItems(raw)
}

func readLooseItems(raw []json.RawMessage) Contents {
	var list Contents
	for _, item := range raw {
		list = append(list, readLooseItem(item))
	}
	return list
}

// readLooseItem reads one item of a content list. If that fails, it retries with converted
// values and without the fields that the kind does not use. If that fails too, it returns an
// [UnknownContent].
func readLooseItem(item json.RawMessage) Content {
	if c, ok := readContent(item); ok {
		return c
	}
	fields := map[string]json.RawMessage{}
	_ = json.Unmarshal(item, &fields) // an item that is not an object has no fields and no kind
	var kind loose[string]
	for k, v := range fields {
		if strings.EqualFold(k, "contentType") {
			_ = kind.UnmarshalJSON(v)
		}
	}
	payload, known := payloadKey(kind.v)
	if !known {
		return UnknownContent{Kind: kind.v, Raw: item}
	}
	maps.DeleteFunc(fields, func(k string, _ json.RawMessage) bool {
		return !strings.EqualFold(k, "contentType") && !strings.EqualFold(k, payload)
	})
	if essence, err := json.Marshal(fields); err == nil {
		if c, ok := readContent(convertTypes(essence)); ok {
			return c
		}
	}
	return UnknownContent{Kind: kind.v, Raw: item}
}

func readContent(item []byte) (Content, bool) {
	var w wireContent
	if json.Unmarshal(item, &w) != nil {
		return nil, false
	}
	return w.read()
}

// payloadKey returns the name of the field that holds the data of a kind, in any case, and
// reports whether the kind is known.
func payloadKey(kind string) (string, bool) {
	switch kind {
	case "":
		return kindAttachment, true
	case kindTemplate:
		return "template", true
	case kindText, kindAttachment, kindQuickReply, kindQuickReplies, kindCard, kindCarousel, kindDatePicker,
		kindListPicker, kindLocation:
		return kind, true
	default:
		return "", false
	}
}

// convertTypes converts numbers to strings and strings to numbers where the schema has the
// other type, for example a duration "1800" or an id 7. It returns values that it cannot
// convert unchanged.
func convertTypes(b []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return b
	}
	out, err := json.Marshal(convertValue("", v))
	if err != nil {
		return b
	}
	return out
}

// numeric reports whether the schema has a number in the field key. All other fields of this
// package are strings or booleans.
func numeric(key string) bool {
	return slices.Contains([]string{"contentsizebytes", "duration", "latitude", "longitude"}, strings.ToLower(key))
}

func convertValue(key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			v[k] = convertValue(k, item)
		}
	case []any:
		for i, item := range v {
			v[i] = convertValue(key, item)
		}
	case json.Number:
		if !numeric(key) {
			return v.String()
		}
		if f, err := v.Float64(); err == nil && f == float64(int64(f)) {
			return json.Number(strconv.FormatInt(int64(f), 10)) // 1800.0 is read as an integer
		}
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); numeric(key) && err == nil {
			return convertValue(key, json.Number(strconv.FormatFloat(f, 'f', -1, 64)))
		}
		if (key == "" || strings.EqualFold(key, "multipleSelection")) && (v == "true" || v == "false") {
			return v == "true"
		}
	}
	return v
}

// number parses 5000, 5000.0 and "5000". It returns 0 for everything else.
func number(b json.RawMessage) int64 {
	s := strings.Trim(strings.TrimSpace(string(b)), `"`)
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != f {
		return 0
	}
	return int64(min(max(f, 0), 1<<53))
}
