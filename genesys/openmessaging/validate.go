package openmessaging

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"
)

// Limits that Validate applies. Only MaxRequestBytes and the 25 MB are Genesys' own words; the others are prudent
// readings of neighbouring limits and are marked as such.
const (
	// MaxText is how many characters (runes) a text may have. UNCERTAIN: no limit is documented for text towards
	// Genesys; an agent's own text is capped at 2,000. Cut longer texts with [SplitText].
	MaxText = 2000
	// MaxAttributes is how many attributes a message may carry. UNCERTAIN: none is documented for Open Messaging;
	// this is the cap of Set Participant Data (https://jp-help.mypurecloud.com/articles/set-participant-data-action/).
	MaxAttributes = 50
	// MaxAttributeValue is how many characters (runes) an attribute's value may have; same source, same doubt.
	MaxAttributeValue = 256
	// MaxAttachmentBytes is 25 MB (https://help.mypurecloud.com/articles/supported-content-profiles/), read as decimal,
	// the smaller of two readings: a file over the limit is dropped in silence.
	MaxAttachmentBytes = 25_000_000
	// MaxRequestBytes is how long the JSON of a request may be, the platform's limit request.bytes.max.
	MaxRequestBytes = 512_000
)

// ErrInvalid is in every error of a Validate method.
var ErrInvalid = errors.New("openmessaging: invalid")

// A FieldError is one mistake that Validate found. It holds no value of the field: values are customers' words.
type FieldError struct {
	What   string // "inbound message", "reply", ...
	Field  string // as in Go, such as From.ID or Attributes["plan"]
	Reason string // what is wrong, the limit, the fix
}

// Error is one sentence: package, what, field, reason.
func (e *FieldError) Error() string {
	return "openmessaging: " + e.What + ": " + e.Field + " " + e.Reason
}

// Is reports that every FieldError is an [ErrInvalid].
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }

// problems collects mistakes, so that a person fixes them in one go.
type problems struct {
	what string
	errs []error
}

func (p *problems) err() error { return errors.Join(p.errs...) }

func (p *problems) add(field, format string, args ...any) {
	p.errs = append(p.errs, &FieldError{What: p.what, Field: field, Reason: fmt.Sprintf(format, args...)})
}

func (p *problems) utf8(field, s string) {
	if !utf8.ValidString(s) {
		p.add(field, "is not valid UTF-8; convert it, for instance with strings.ToValidUTF8")
	}
}

func (p *problems) required(field, s, fix string) {
	if s == "" {
		p.add(field, "is empty; %s", fix)
	}
	p.utf8(field, s)
}

func (p *problems) text(field, s string) {
	if n := utf8.RuneCountInString(s); n > MaxText {
		p.add(field, "has %d characters; the limit is %d, cut it with SplitText and send the parts in order", n, MaxText)
	}
	p.utf8(field, s)
}

func (p *problems) time(t time.Time) {
	if t.IsZero() {
		p.add("Time", "is zero; set it to when it happened, and keep it for repeats")
	} else if !writable(t) {
		p.add("Time", "is in the year %d; Genesys takes 0 to 9999", t.UTC().Year())
	}
}

// request checks the size of the whole. Marshalling costs more than all other checks together, so it is done only
// where the worst case, six bytes for each byte, could pass the limit.
func (p *problems) request(size int, body json.Marshaler) {
	const envelope = 4096
	if size*6+envelope <= MaxRequestBytes {
		return
	}
	b, err := json.Marshal(body)
	if err != nil {
		p.add("JSON", "cannot be written")
		return
	}
	if len(b) > MaxRequestBytes {
		p.add("JSON", "has %d bytes; the limit of a request is %d, shorten or leave out the longest fields", len(b), MaxRequestBytes)
	}
}

// checkAttributes returns about how many bytes they take. Keys are checked in order, so that errors are stable.
func checkAttributes(p *problems, attributes map[string]string) int {
	if n := len(attributes); n > MaxAttributes {
		p.add("Attributes", "has %d keys; the limit is %d, leave out what the flow does not read", n, MaxAttributes)
	}
	size := 0
	for _, k := range slices.Sorted(maps.Keys(attributes)) {
		v := attributes[k]
		size += len(k) + len(v) + 8
		field := fmt.Sprintf("Attributes[%.64q]", k)
		if k == "" {
			p.add(field, "has an empty key; name it as the flow reads it")
		}
		if n := utf8.RuneCountInString(v); n > MaxAttributeValue {
			p.add(field, "has %d characters; the limit is %d, shorten it or put it into the text", n, MaxAttributeValue)
		}
		p.utf8(field, k)
		p.utf8(field, v)
	}
	return size
}
