package openmessaging

import "encoding/json"

// Content is one of [Text], [Attachment], [QuickReply], [QuickReplies], [Card], [Carousel], [DatePicker],
// [ListPicker], [Template], [Location] and [UnknownContent], always as a value, never as a pointer.
//
// Samples show attachments, quick replies, cards, carousels, date pickers and templates on Open Messaging; that the
// other kinds of the shared model reach it is UNCERTAIN. Fields of a known kind that its type does not have are
// ignored. All but attachments and, from an agent, text come from flows and bots alone
// (https://community.genesys.com/discussion/sending-card-carousel-type-messages-via-open-messaging-api).
//
//sumtype:decl
type Content interface{ content() }

// Text is a text within the content list; the usual place of text is Message.Text.
type Text struct {
	Body string `json:"body"`
}

// A QuickReply is one button below a message; the prompt is in Message.Text. Answer with a [Reply] of kind
// [ReplyQuickReply].
type QuickReply struct {
	Text     string `json:"text"`
	Payload  string `json:"payload"`
	ImageURL string `json:"image,omitempty"`
}

// QuickReplies are a title and its buttons (QuickReplyV2 on the wire).
type QuickReplies struct {
	Title   string       `json:"title"`
	Actions []QuickReply `json:"actions,omitzero"`
}

// A Card is a picture or film, a text and buttons.
type Card struct {
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	ImageURL    string   `json:"image,omitempty"`
	VideoURL    string   `json:"video,omitempty"`
	Default     *Action  `json:"defaultAction,omitempty"` // of the card as a whole
	Actions     []Action `json:"actions,omitzero"`
}

// A Carousel is a row of cards.
type Carousel struct {
	Cards []Card `json:"cards,omitzero"`
}

// An Action is a button of a card: Type is Link (Text and URL) or Postback (Text and Payload), in other cases as it
// came. Answer a Postback with a [Reply] of kind [ReplyButton]; text and payload together identify the button.
type Action struct {
	Type    string `json:"type,omitempty"`
	Text    string `json:"text,omitempty"`
	Payload string `json:"payload,omitempty"`
	URL     string `json:"url,omitempty"`
}

// A ListPicker is a list to pick from. Open Messaging has no kind of [Reply] for it: send the pick as text.
type ListPicker struct {
	Sections []ListSection `json:"sections,omitzero"`
}

// A ListSection is a part of a [ListPicker].
type ListSection struct {
	Title    string     `json:"title,omitempty"`
	Multiple bool       `json:"multipleSelection,omitempty"` // more than one item may be picked
	Items    []ListItem `json:"items,omitzero"`
}

// A ListItem is one line of a [ListSection].
type ListItem struct {
	ID       string `json:"id,omitempty"`
	Title    string `json:"title,omitempty"`
	Subtitle string `json:"subtitle,omitempty"`
	ImageURL string `json:"imageUrl,omitempty"`
}

// A Location is a place on earth, in degrees.
type Location struct {
	URL       string  `json:"url,omitempty"`
	Address   string  `json:"address,omitempty"`
	Text      string  `json:"text,omitempty"`
	Latitude  float64 `json:"latitude,omitempty"`
	Longitude float64 `json:"longitude,omitempty"`
}

// An UnknownContent is a kind this version does not know, or one it knows with a field it cannot decode. It is
// written as Raw.
type UnknownContent struct {
	Kind string          // the wire's contentType, may be empty
	Raw  json.RawMessage // the item as it came
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
