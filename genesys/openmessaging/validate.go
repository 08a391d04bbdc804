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

// These are the limits that Validate applies and Genesys documents.
const (
	// MaxAttachmentBytes is 25 MB
	// (https://help.mypurecloud.com/articles/supported-content-profiles/), read as decimal
	// megabytes, the smaller interpretation, because Genesys drops a larger file without an
	// error.
	MaxAttachmentBytes = 25_000_000
	// MaxRequestBytes is the maximum size of a request body, the platform limit
	// request.bytes.max.
	MaxRequestBytes = 512_000
)

// maxText is the maximum number of characters (runes) in a text. UNCERTAIN: Genesys documents no
// limit for text from a customer; the limit for an agent's text is 2,000.
const maxText = 2000

// ErrInvalid matches every error of a Validate method (errors.Is).
var ErrInvalid = errors.New("openmessaging: invalid")

// A FieldError is one mistake that Validate found. It has no value of the field, because values
// may hold customer text.
type FieldError struct {
	What   string // "inbound message", "reply", ...
	Field  string // the Go name, for example From.ID or Attributes["plan"]
	Reason string // what is wrong, the limit and the fix
}

// Error returns one sentence: package, What, Field and Reason.
func (e *FieldError) Error() string {
	return "openmessaging: " + e.What + ": " + e.Field + " " + e.Reason
}

// Is reports whether target is [ErrInvalid].
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }

// problems collects all mistakes, so that Validate reports them in one error.
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
	if n := utf8.RuneCountInString(s); n > maxText {
		p.add(field, "has %d characters; the limit is %d, cut it with SplitText and send the parts in order", n, maxText)
	}
	p.utf8(field, s)
}

func (p *problems) time(t time.Time) {
	if t.IsZero() {
		p.add("Time", "is zero; set it to when it happened, and keep it for retries")
	} else if !writable(t) {
		p.add("Time", "is in the year %d; Genesys accepts 0 to 9999", t.UTC().Year())
	}
}

// request checks the size of the request body. Marshaling costs more than all other checks
// together, so it is skipped if even the worst case, six bytes for each byte, is within the
// limit.
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

// checkAttributes checks attributes and returns about how many bytes they need. It sorts the
// keys, so that errors are deterministic.
func checkAttributes(p *problems, attributes map[string]string) int {
	size := 0
	for _, k := range slices.Sorted(maps.Keys(attributes)) {
		v := attributes[k]
		size += len(k) + len(v) + 8
		field := fmt.Sprintf("Attributes[%.64q]", k)
		if k == "" {
			p.add(field, "has an empty key; name it as the flow reads it")
		}
		p.utf8(field, k)
		p.utf8(field, v)
	}
	return size
}
