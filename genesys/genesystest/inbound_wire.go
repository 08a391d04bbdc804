package genesystest

// What the program posts. Pointers tell what is missing from what is empty.

type inMessage struct {
	Channel  *inChannel        `json:"channel"`
	Text     *string           `json:"text"`
	Content  []inContent       `json:"content"`
	Metadata map[string]string `json:"metadata"`
}

type inChannel struct {
	From      *recipient `json:"from"`
	Time      *string    `json:"time"`
	MessageID *string    `json:"messageId"`
	Metadata  *inMeta    `json:"metadata"`
}

// inMeta has customAttributes, which the definition of the API lacks and Genesys takes
// (https://docs.ada.cx/generative/docs/handoffs/genesys/custom-fields).
type inMeta struct {
	SubType          *string           `json:"subType"`
	CustomAttributes map[string]string `json:"customAttributes"`
}

type inContent struct {
	ContentType *string       `json:"contentType"` // not in the definition, but in official samples
	Attachment  *inAttachment `json:"attachment"`
}

type inAttachment struct {
	ID        string `json:"id,omitempty"`
	MediaType string `json:"mediaType"`
	URL       string `json:"url"`
	Mime      string `json:"mime"`
	Text      string `json:"text,omitempty"`
	SHA256    string `json:"sha256,omitempty"`
	Filename  string `json:"filename,omitempty"`
}

type inEvent struct {
	Channel *inEventChannel `json:"channel"`
	Events  []struct {
		EventType *string `json:"eventType"`
	} `json:"events"`
}

type inEventChannel struct {
	From *recipient `json:"from"`
	Time *string    `json:"time"`
}

type inReceipt struct {
	ID             *string           `json:"id"`
	Channel        *inReceiptChannel `json:"channel"`
	Status         *string           `json:"status"`
	Reasons        []receiptReason   `json:"reasons"`
	IsFinalReceipt *bool             `json:"isFinalReceipt"`
}

type inReceiptChannel struct {
	To   *recipient `json:"to"`
	Time *string    `json:"time"`
}

type receiptReason struct {
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
}

type inReply struct {
	Channel              *inChannel      `json:"channel"`
	ButtonResponse       *buttonResponse `json:"buttonResponse"`
	OriginatingMessageID *string         `json:"originatingMessageId"`
}

type buttonResponse struct {
	ID      string  `json:"id,omitempty"`
	Type    string  `json:"type"`
	Text    *string `json:"text"`
	Payload *string `json:"payload"`
}

// What the organisation answers.

type outMessage struct {
	ID             string            `json:"id,omitempty"`
	Channel        outChannel        `json:"channel"`
	Type           string            `json:"type"`
	Text           string            `json:"text,omitempty"`
	Content        any               `json:"content,omitempty"`
	Events         []envelopeEvent   `json:"events,omitempty"`
	Metadata       map[string]string `json:"metadata,omitempty"`
	ConversationID string            `json:"conversationId,omitempty"`
	Status         string            `json:"status,omitempty"`
	Reasons        []receiptReason   `json:"reasons,omitempty"`
	IsFinalReceipt *bool             `json:"isFinalReceipt,omitempty"`
	Direction      string            `json:"direction,omitempty"`
}

type outChannel struct {
	ID        string    `json:"id"`
	Platform  string    `json:"platform"`
	Type      string    `json:"type"`
	MessageID string    `json:"messageId,omitempty"`
	To        recipient `json:"to"`
	From      recipient `json:"from"`
	Time      string    `json:"time"`
}

type outContent struct {
	ContentType    string          `json:"contentType"`
	Attachment     *inAttachment   `json:"attachment,omitempty"`
	ButtonResponse *buttonResponse `json:"buttonResponse,omitempty"`
}
