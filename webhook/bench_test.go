package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/webhook"
)

// kinds returns bodies as Genesys sends them, one of each relevant size and shape.
func kinds() map[string][]byte {
	envelope := func(rest string) []byte {
		return []byte(strings.Replace(string(text(integrationA)), `"type":"Text","text":"Hello"`, rest, 1))
	}
	return map[string][]byte{
		"text":       text(integrationA),
		"longText":   envelope(`"type":"Text","text":"` + strings.Repeat("Twelve words, and none of them says anything at all here. ", 50) + `"`),
		"attachment": envelope(`"type":"Text","text":"see","content":[{"contentType":"Attachment","attachment":{"id":"f1","mediaType":"Image","url":"https://api-downloads.mypurecloud.ie/api/v2/downloads/x","mime":"image/png","filename":"a.png","contentSizeBytes":70210}}]`),
		"typing":     envelope(`"type":"Event","events":[{"eventType":"Typing","typing":{"type":"On","duration":5000}}]`),
		"receipt":    envelope(`"type":"Receipt","status":"Delivered","reasons":[],"isFinalReceipt":false`),
	}
}

// plain is the smallest type with the same members. It uses their exact names, because
// encoding/json searches longer for other spellings.
type plain struct {
	ID      string `json:"id"`
	Channel struct {
		ID        string      `json:"id"`
		Platform  string      `json:"platform"`
		Type      string      `json:"type"`
		To        plainPerson `json:"to"`
		From      plainPerson `json:"from"`
		Time      time.Time   `json:"time"`
		MessageID string      `json:"messageId"`
	} `json:"channel"`
	Type              string         `json:"type"`
	Text              string         `json:"text"`
	OriginatingEntity string         `json:"originatingEntity"`
	Direction         string         `json:"direction"`
	ConversationID    string         `json:"conversationId"`
	Status            string         `json:"status"`
	IsFinalReceipt    bool           `json:"isFinalReceipt"`
	Reasons           []plainReason  `json:"reasons"`
	Content           []plainContent `json:"content"`
	Events            []plainEvent   `json:"events"`
}

type plainPerson struct {
	ID       string `json:"id"`
	IDType   string `json:"idType"`
	Nickname string `json:"nickname"`
}

type plainReason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type plainContent struct {
	ContentType string `json:"contentType"`
	Attachment  struct {
		ID               string `json:"id"`
		MediaType        string `json:"mediaType"`
		URL              string `json:"url"`
		MIME             string `json:"mime"`
		Filename         string `json:"filename"`
		ContentSizeBytes int64  `json:"contentSizeBytes"`
	} `json:"attachment"`
}

type plainEvent struct {
	EventType string `json:"eventType"`
	Typing    struct {
		Type     string `json:"type"`
		Duration int64  `json:"duration"`
	} `json:"typing"`
}

// baseline verifies the HMAC and calls json.Unmarshal, without any other check.
func baseline(secret, signature string, body []byte) bool {
	want, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signature, "sha256="))
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(body)
	var p plain
	return err == nil && hmac.Equal(want, h.Sum(nil)) && json.Unmarshal(body, &p) == nil && p.Channel.To.ID == "customer-1"
}

// BenchmarkOpen compares Open with the baseline for each kind of body.
func BenchmarkOpen(b *testing.B) {
	v := newVerifier(b, endpoint(integrationA, secretA))
	bodies := kinds()
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		body := bodies[name]
		signature := webhook.Sign(secretA, body)
		b.Run(name+"/baseline", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !baseline(secretA, signature, body) {
					b.Fatal("refused")
				}
			}
		})
		b.Run(name+"/open", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n, err := v.Open(signature, body)
				if err != nil || n.Outbound.CustomerID != "customer-1" {
					b.Fatal(err)
				}
			}
		})
	}
}

// Anyone can send a forged request, so refusing it must be cheap.
func BenchmarkOpenForged(b *testing.B) {
	v := newVerifier(b, endpoint(integrationA, secretA))
	body := text(integrationA)
	signature := webhook.Sign(secretB, body)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Open(signature, body); err == nil {
			b.Fatal("accepted")
		}
	}
}
