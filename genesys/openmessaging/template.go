package openmessaging

import "encoding/json"

// A Template is a message template that Genesys filled in (Notification on the wire). The finished text is in
// Message.Text as well, so a channel without templates can show that. Its JSON is the wire's; parameters, buttons and
// a header that is not text are not kept.
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

// MarshalJSON writes the wire's form.
func (t Template) MarshalJSON() ([]byte, error) { return json.Marshal(t.wire()) }

// UnmarshalJSON reads the wire's form.
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
