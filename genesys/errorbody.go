package genesys

import (
	"encoding/json"
	"slices"
	"strings"
)

// maxNested bounds errors inside errors.
const maxNested = 4

// errorBody is Genesys' ErrorBody, each field raw: one of an unexpected type must not hide the others.
// https://developer.genesys.cloud/platform/api/error-handling
type errorBody struct {
	Message       json.RawMessage            `json:"message"`
	Code          json.RawMessage            `json:"code"`
	ContextID     json.RawMessage            `json:"contextId"`
	MessageParams map[string]json.RawMessage `json:"messageParams"`
	Details       []struct {
		FieldName json.RawMessage `json:"fieldName"`
	} `json:"details"`
	Errors []json.RawMessage `json:"errors"`
}

// parseErrorBody never fails: a gateway's HTML is an Error without code and message, since it could quote anything.
func parseErrorBody(raw []byte) *Error {
	e := &Error{}
	e.read(raw, 0)
	slices.Sort(e.fields)
	e.fields = slices.Compact(e.fields)
	return e
}

func (e *Error) read(raw []byte, depth int) {
	var b errorBody
	if err := json.Unmarshal(raw, &b); err != nil {
		if _, ok := err.(*json.UnmarshalTypeError); !ok { //nolint:errorlint // json returns it unwrapped
			return // not JSON. With a type error the rest has been read
		}
	}
	message := text(b.Message)
	if e.Message == "" {
		e.Message = message
	}
	if e.Code == "" {
		e.Code = token(text(b.Code), 100)
	}
	if e.CorrelationID == "" {
		e.CorrelationID = token(text(b.ContextID), 128)
	}
	e.permissions(text(b.MessageParams["permissions"]))
	e.permissions(message)
	for _, d := range b.Details[:min(len(b.Details), 20)] {
		if name := token(text(d.FieldName), 100); name != "" {
			e.fields = append(e.fields, name)
		}
	}
	if depth < maxNested {
		for _, nested := range b.Errors[:min(len(b.Errors), 20)] {
			e.read(nested, depth+1)
		}
	}
}

// permissions finds "conversation:communication:blindTransfer" in brackets, lists and sentences: bodies differ.
func (e *Error) permissions(s string) {
	outside := func(r rune) bool { return !isToken(r) || r == '[' || r == ']' }
	for word := range strings.FieldsFuncSeq(s, outside) {
		word = strings.Trim(word, ":.-")
		if strings.Count(word, ":") == 2 && !strings.Contains(word, "::") && len(word) <= 200 &&
			!slices.Contains(e.MissingPermissions, word) && len(e.MissingPermissions) < 20 {
			e.MissingPermissions = append(e.MissingPermissions, word)
		}
	}
}

// text is a JSON string; a list of strings is joined; anything else is "".
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return strings.Join(list, ",")
	}
	return ""
}

// token is s if it can only be a name, else "": what goes into error texts unasked is no room for anybody's sentence.
func token(s string, limit int) string {
	s = strings.TrimSpace(s)
	if len(s) > limit || strings.ContainsFunc(s, func(r rune) bool { return !isToken(r) }) {
		return ""
	}
	return s
}

func isToken(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-:*[]", r)
}

// oneLine cuts and flattens a sentence.
func oneLine(s string, limit int) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)), " ")
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return s
}
