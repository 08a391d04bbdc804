package openmessaging_test

import (
	"encoding/json"
	"testing"

	om "github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// baseline is the smallest type that can decode these bodies. Its result is the baseline.
type baseline struct {
	ID      string `json:"id"`
	Channel struct {
		ID        string `json:"id"`
		MessageID string `json:"messageId"`
		To        struct {
			ID string `json:"id"`
		} `json:"to"`
		From struct {
			ID string `json:"id"`
		} `json:"from"`
		Time string `json:"time"`
	} `json:"channel"`
	Type    string `json:"type"`
	Text    string `json:"text"`
	Content []struct {
		ContentType string `json:"contentType"`
		Attachment  *struct {
			ID        string `json:"id"`
			MediaType string `json:"mediaType"`
			URL       string `json:"url"`
			MIME      string `json:"mime"`
			Filename  string `json:"filename"`
			Text      string `json:"text"`
			SHA256    string `json:"sha256"`
			Size      int64  `json:"contentSizeBytes"`
		} `json:"attachment"`
		QuickReply *struct {
			Text    string `json:"text"`
			Payload string `json:"payload"`
			Image   string `json:"image"`
		} `json:"quickReply"`
	} `json:"content"`
	Events []struct {
		EventType string `json:"eventType"`
		Typing    *struct {
			Type     string `json:"type"`
			Duration int64  `json:"duration"`
		} `json:"typing"`
	} `json:"events"`
	Status  string `json:"status"`
	Reasons []struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"reasons"`
	Final          bool   `json:"isFinalReceipt"`
	Origin         string `json:"originatingEntity"`
	ConversationID string `json:"conversationId"`
}

func BenchmarkParseOutbound(b *testing.B) {
	for _, name := range []string{"text", "attachment", "quickreply", "receipt", "typing", "unknowncontent"} {
		raw := []byte(compact(b, fixture(b, name)))
		b.Run(name+"/baseline", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				var f baseline
				if err := json.Unmarshal(raw, &f); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/parse", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				if _, err := om.ParseOutbound(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkInboundMessage(b *testing.B) {
	m := message()
	b.Run("validate", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := m.Validate(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("marshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(m); err != nil {
				b.Fatal(err)
			}
		}
	})
}
