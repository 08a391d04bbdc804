package openmessaging

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// This file is the slow way: bodies with a field of an unexpected type, or with content of an unknown kind. Each field
// is read on its own, so that one bad one costs only itself.

// loose reads what it can of any JSON value and never fails.
type loose[T any] struct{ v T }

func (l *loose[T]) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &l.v) != nil {
		_ = json.Unmarshal(mend(b), &l.v) // what cannot be read stays empty
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
	if len(text) > 0 && json.Unmarshal(text, &w.Text) != nil && json.Unmarshal(mend(text), &w.Text) != nil {
		list = Contents{UnknownContent{Raw: text}}
	}
	return w.read(append(list, salvageList(l.Content)...), b), nil
}

// salvageList takes content that is not a list as one unknown item.
func salvageList(b json.RawMessage) Contents {
	if len(b) == 0 {
		return nil
	}
	var raw []json.RawMessage
	if json.Unmarshal(b, &raw) != nil {
		raw = []json.RawMessage{b}
	}
	return salvageContents(raw)
}

func salvageContents(raw []json.RawMessage) Contents {
	var list Contents
	for _, item := range raw {
		list = append(list, salvage(item))
	}
	return list
}

// salvage reads one item as it is, else mended and without the fields its kind does not use, else keeps it.
func salvage(item json.RawMessage) Content {
	if c, ok := readContent(item); ok {
		return c
	}
	fields := map[string]json.RawMessage{}
	_ = json.Unmarshal(item, &fields) // an item that is no object has no fields and no kind
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
		if c, ok := readContent(mend(essence)); ok {
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

// payloadKey is the field a known kind of content has its data in, but for its case.
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

// mend swaps numbers and strings where one stands for the other: "1800" for a duration, 7 for an id. What it cannot
// mend it returns as it is.
func mend(b []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return b
	}
	out, err := json.Marshal(mendValue("", v))
	if err != nil {
		return b
	}
	return out
}

// numeric are the wire's fields that hold numbers, in lower case; all others of ours hold strings or true and false.
func numeric(key string) bool {
	return slices.Contains([]string{"contentsizebytes", "duration", "latitude", "longitude"}, strings.ToLower(key))
}

func mendValue(key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			v[k] = mendValue(k, item)
		}
	case []any:
		for i, item := range v {
			v[i] = mendValue(key, item)
		}
	case json.Number:
		if !numeric(key) {
			return v.String()
		}
		if f, err := v.Float64(); err == nil && f == float64(int64(f)) {
			return json.Number(strconv.FormatInt(int64(f), 10)) // 1800.0 for a whole number
		}
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); numeric(key) && err == nil {
			return mendValue(key, json.Number(strconv.FormatFloat(f, 'f', -1, 64)))
		}
		if (key == "" || strings.EqualFold(key, "multipleSelection")) && (v == "true" || v == "false") {
			return v == "true"
		}
	}
	return v
}

// number reads 5000, 5000.0 and "5000"; anything else is 0.
func number(b json.RawMessage) int64 {
	s := strings.Trim(strings.TrimSpace(string(b)), `"`)
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != f {
		return 0
	}
	return int64(min(max(f, 0), 1<<53))
}
