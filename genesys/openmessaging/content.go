package openmessaging

import (
	"encoding/json"
	"errors"
	"math"
	"time"
)

// Content is one of [Text], [Attachment], [QuickReply], [QuickReplies], [Card], [Carousel],
// [DatePicker], [ListPicker], [Template], [Location] and [UnknownContent]. It is always a
// value, never a pointer.
//
// Genesys documents samples of attachments, quick replies, cards, carousels, date pickers and
// templates on Open Messaging. Whether the other kinds reach it is UNCERTAIN. Fields that the Go
// type of a kind does not have are ignored. Agents send text and attachments; all other kinds are
// sent only by flows and bots
// (https://community.genesys.com/discussion/sending-card-carousel-type-messages-via-open-messaging-api).
//
//sumtype:decl
type Content interface{ content() }

// Text is a text in the content list. Most texts are in Message.Text instead.
type Text struct {
	Body string `json:"body"`
}

// A QuickReply is one button below a message. Message.Text has the question. Answer it with a
// [Reply] of kind [ReplyQuickReply].
type QuickReply struct {
	Text     string `json:"text"`
	Payload  string `json:"payload"`
	ImageURL string `json:"image,omitempty"`
}

// QuickReplies is a title with buttons. Genesys calls it QuickReplyV2.
type QuickReplies struct {
	Title   string       `json:"title"`
	Actions []QuickReply `json:"actions,omitzero"`
}

// A Card has an image or a video, a text and buttons.
type Card struct {
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	ImageURL    string   `json:"image,omitempty"`
	VideoURL    string   `json:"video,omitempty"`
	Default     *Action  `json:"defaultAction,omitempty"` // when the card itself is pressed
	Actions     []Action `json:"actions,omitzero"`
}

// A Carousel is a row of cards.
type Carousel struct {
	Cards []Card `json:"cards,omitzero"`
}

// An Action is a button of a card. Its Type is Link (with Text and URL) or Postback (with Text
// and Payload); any other type is kept unchanged. Answer a Postback with a [Reply] of kind
// [ReplyButton]. Text and payload together identify the button.
type Action struct {
	Type    string `json:"type,omitempty"`
	Text    string `json:"text,omitempty"`
	Payload string `json:"payload,omitempty"`
	URL     string `json:"url,omitempty"`
}

// A ListPicker is a list of items to choose from. Open Messaging has no kind of [Reply] for it:
// send the choice as text.
type ListPicker struct {
	Sections []ListSection `json:"sections,omitzero"`
}

// A ListSection is a group of items in a [ListPicker].
type ListSection struct {
	Title string `json:"title,omitempty"`
	// The customer may choose more than one item.
	Multiple bool       `json:"multipleSelection,omitempty"`
	Items    []ListItem `json:"items,omitzero"`
}

// A ListItem is one item of a [ListSection].
type ListItem struct {
	ID       string `json:"id,omitempty"`
	Title    string `json:"title,omitempty"`
	Subtitle string `json:"subtitle,omitempty"`
	ImageURL string `json:"imageUrl,omitempty"`
}

// A Location is a geographic position. Latitude and Longitude are in degrees.
type Location struct {
	URL       string  `json:"url,omitempty"`
	Address   string  `json:"address,omitempty"`
	Text      string  `json:"text,omitempty"`
	Latitude  float64 `json:"latitude,omitempty"`
	Longitude float64 `json:"longitude,omitempty"`
}

// An UnknownContent is an item of a kind that this version does not know, or with a field that
// it cannot decode. Raw is what is written.
type UnknownContent struct {
	Kind string          // the contentType field; may be empty
	Raw  json.RawMessage // the item, byte for byte
}

func (Text) content()           {}
func (Attachment) content()     {}
func (QuickReply) content()     {}
func (QuickReplies) content()   {}
func (Card) content()           {}
func (Carousel) content()       {}
func (DatePicker) content()     {}
func (ListPicker) content()     {}
func (Template) content()       {}
func (Location) content()       {}
func (UnknownContent) content() {}

// A Template is a message template with its values filled in. Genesys calls it Notification.
// The final text is also in Message.Text, for channels without templates. Parameters, buttons
// and a header that is not text are not kept.
type Template struct{ ID, Language, Header, Body, Footer string }

type wireTemplate struct {
	ID       string              `json:"id,omitempty"`
	Language string              `json:"language,omitempty"`
	Header   *wireTemplateHeader `json:"header,omitempty"`
	Body     wireTemplateText    `json:"body"`
	Footer   *wireTemplateText   `json:"footer,omitempty"`
}

type wireTemplateHeader struct {
	Type string `json:"type,omitempty"`
	Text string `json:"text,omitempty"`
}

type wireTemplateText struct {
	Text string `json:"text,omitempty"`
}

// MarshalJSON returns the template in the JSON of Genesys.
func (t Template) MarshalJSON() ([]byte, error) { return json.Marshal(t.wire()) }

// UnmarshalJSON reads the JSON of Genesys. It returns an error if a field has the wrong JSON
// type.
func (t *Template) UnmarshalJSON(b []byte) error {
	var w wireTemplate
	if err := decode(b, &w, "template"); err != nil {
		return err
	}
	*t = w.read()
	return nil
}

func (t Template) wire() *wireTemplate {
	w := wireTemplate{ID: t.ID, Language: t.Language, Body: wireTemplateText{Text: t.Body}}
	if t.Header != "" {
		w.Header = &wireTemplateHeader{Type: "Text", Text: t.Header}
	}
	if t.Footer != "" {
		w.Footer = &wireTemplateText{Text: t.Footer}
	}
	return &w
}

func (w *wireTemplate) read() Template {
	t := Template{ID: w.ID, Language: w.Language, Body: w.Body.Text}
	if w.Header != nil {
		t.Header = w.Header.Text
	}
	if w.Footer != nil {
		t.Footer = w.Footer.Text
	}
	return t
}

// A DatePicker offers times to choose from. Answer it with a [Reply] of kind [ReplyDatePicker].
type DatePicker struct {
	Title, Subtitle, ImageURL string
	Min, Max                  time.Time // zero if Genesys sends none
	Times                     []TimeSlot
}

// A TimeSlot is one time that a [DatePicker] offers.
type TimeSlot struct {
	Start    time.Time
	Duration time.Duration // whole seconds in JSON, as in the samples; the schema names no unit
}

type wireDatePicker struct {
	Title    string         `json:"title,omitempty"`
	Subtitle string         `json:"subtitle,omitempty"`
	ImageURL string         `json:"imageUrl,omitempty"`
	Min      string         `json:"dateMinimum,omitempty"`
	Max      string         `json:"dateMaximum,omitempty"`
	Times    []wireTimeSlot `json:"availableTimes,omitzero"`
}

type wireTimeSlot struct {
	Start    string `json:"dateTime,omitempty"`
	Duration int64  `json:"duration,omitempty"`
}

var errTime = errors.New("openmessaging: date picker: a time is not ISO 8601, yyyy-MM-ddTHH:mm:ss[.mmm]Z")

// MarshalJSON returns the date picker in the JSON of Genesys: times in UTC with milliseconds,
// durations in whole seconds.
func (d DatePicker) MarshalJSON() ([]byte, error) { return json.Marshal(d.wire()) }

// UnmarshalJSON reads the JSON of Genesys. It returns an error if a time cannot be read, unlike
// for the time of a message. In a [Contents] such an item becomes an [UnknownContent].
func (d *DatePicker) UnmarshalJSON(b []byte) error {
	var w wireDatePicker
	if err := decode(b, &w, "date picker"); err != nil {
		return err
	}
	read, ok := w.read()
	if !ok {
		return errTime
	}
	*d = read
	return nil
}

func (d DatePicker) wire() *wireDatePicker {
	w := wireDatePicker{
		Title: d.Title, Subtitle: d.Subtitle, ImageURL: d.ImageURL,
		Min: formatTime(d.Min), Max: formatTime(d.Max),
	}
	if d.Times != nil {
		w.Times = make([]wireTimeSlot, len(d.Times))
	}
	for i, t := range d.Times {
		w.Times[i] = wireTimeSlot{Start: formatTime(t.Start), Duration: int64(t.Duration / time.Second)}
	}
	return &w
}

func (w *wireDatePicker) read() (DatePicker, bool) {
	d := DatePicker{Title: w.Title, Subtitle: w.Subtitle, ImageURL: w.ImageURL}
	var ok, all bool
	d.Min, all = tryTime(w.Min)
	d.Max, ok = tryTime(w.Max)
	all = all && ok
	if w.Times != nil {
		d.Times = make([]TimeSlot, len(w.Times))
	}
	for i, t := range w.Times {
		d.Times[i].Start, ok = tryTime(t.Start)
		d.Times[i].Duration = duration(t.Duration, time.Second)
		all = all && ok
	}
	return d, all
}

// duration returns n units, or 0 if n is negative. It returns the largest duration instead of
// overflowing.
func duration(n int64, unit time.Duration) time.Duration {
	return time.Duration(min(max(n, 0), math.MaxInt64/int64(unit))) * unit
}
