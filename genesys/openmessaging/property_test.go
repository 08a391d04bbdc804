package openmessaging_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	om "github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// gen generates values that survive a round trip unchanged: times in whole milliseconds, valid
// UTF-8, defaults filled in.
type gen struct{ *rand.Rand }

func (g gen) text() string {
	words := []string{"", "Ada", "tulip", "<b>&", "\"q\"", "\\", "żółw", "👋🏽", "\u2028", "\x00", "line\nline", "7", "null"}
	s := words[g.IntN(len(words))]
	if g.IntN(3) == 0 {
		s += words[g.IntN(len(words))]
	}
	return s
}

func (g gen) time() time.Time {
	if g.IntN(5) == 0 {
		return time.Time{}
	}
	return time.UnixMilli(g.Int64N(4e12)).UTC()
}

func (g gen) customer() om.Customer {
	return om.Customer{
		ID: g.text(), IDType: []om.IDType{om.IDOpaque, om.IDEmail, om.IDPhone}[g.IntN(3)],
		Nickname: g.text(), FirstName: g.text(), LastName: g.text(), Email: g.text(), ImageURL: g.text(),
	}
}

func list[T any](g gen, one func() T) []T {
	if g.IntN(4) == 0 {
		return nil
	}
	out := make([]T, g.IntN(3))
	for i := range out {
		out[i] = one()
	}
	return out
}

func (g gen) quickReply() om.QuickReply {
	return om.QuickReply{Text: g.text(), Payload: g.text(), ImageURL: g.text()}
}

func (g gen) action() om.Action {
	return om.Action{Type: g.text(), Text: g.text(), Payload: g.text(), URL: g.text()}
}

func (g gen) card() om.Card {
	c := om.Card{Title: g.text(), Description: g.text(), ImageURL: g.text(), VideoURL: g.text(), Actions: list(g, g.action)}
	if g.IntN(2) == 0 {
		c.Default = new(g.action())
	}
	return c
}

func (g gen) attachment() om.Attachment {
	return om.Attachment{
		ID: g.text(), MediaType: om.MediaFile, URL: g.text(), MIME: g.text(), Filename: g.text(), Caption: g.text(),
		SHA256: g.text(), Size: g.Int64N(3) * g.Int64(),
	}
}

func (g gen) slot() om.TimeSlot {
	return om.TimeSlot{Start: g.time(), Duration: time.Duration(g.IntN(1e6)) * time.Second}
}

func (g gen) item() om.ListItem {
	return om.ListItem{ID: g.text(), Title: g.text(), Subtitle: g.text(), ImageURL: g.text()}
}

func (g gen) section() om.ListSection {
	return om.ListSection{Title: g.text(), Multiple: g.IntN(2) == 0, Items: list(g, g.item)}
}

func (g gen) content() om.Content {
	switch g.IntN(11) {
	case 0:
		return om.Text{Body: g.text()}
	case 1:
		return g.attachment()
	case 2:
		return g.quickReply()
	case 3:
		return om.QuickReplies{Title: g.text(), Actions: list(g, g.quickReply)}
	case 4:
		return g.card()
	case 5:
		return om.Carousel{Cards: list(g, g.card)}
	case 6:
		return om.DatePicker{Title: g.text(), Subtitle: g.text(), ImageURL: g.text(), Min: g.time(), Max: g.time(), Times: list(g, g.slot)}
	case 7:
		return om.ListPicker{Sections: list(g, g.section)}
	case 8:
		return om.Template{ID: g.text(), Language: g.text(), Header: g.text(), Body: g.text(), Footer: g.text()}
	case 9:
		return om.Location{URL: g.text(), Address: g.text(), Text: g.text(), Latitude: g.NormFloat64() * 90, Longitude: g.NormFloat64() * 180}
	default:
		return om.UnknownContent{Kind: "Hologram", Raw: json.RawMessage(`{"contentType":"Hologram","n":[1.50,null]}`)}
	}
}

func (g gen) contents() om.Contents {
	var c om.Contents
	for range g.IntN(4) {
		c = append(c, g.content())
	}
	return c
}

func (g gen) reasons() []om.Reason {
	var out []om.Reason
	for range g.IntN(3) {
		out = append(out, om.Reason{Code: om.ReasonCode(g.text()), Message: g.text()})
	}
	return out
}

func roundTrip[T any](t *testing.T, in T) {
	t.Helper()
	b, err := json.Marshal(in)
	require.NoError(t, err)
	var out T
	require.NoError(t, json.Unmarshal(b, &out))
	require.Equal(t, in, out)
}

func TestRoundTripIsIdentity(t *testing.T) {
	t.Parallel()
	g := gen{seeded(1)}
	for range 2000 {
		m := om.InboundMessage{From: g.customer(), MessageID: g.text(), Time: g.time(), Text: g.text()}
		if g.IntN(2) == 0 {
			m.Attachment = new(g.attachment())
			m.Attachment.Size = 0
			m.Attributes = map[string]string{g.text(): g.text(), "b": g.text()}
		}
		roundTrip(t, m)
		roundTrip(t, om.Reply{
			From: g.customer(), MessageID: g.text(), Time: g.time(), InReplyTo: g.text(), Kind: om.ReplyButton,
			Text: g.text(), Payload: g.text(),
		})
		roundTrip(t, om.InboundTyping{From: g.customer(), Time: g.time()})
		c := g.customer()
		roundTrip(t, om.InboundReceipt{
			MessageID: g.text(), To: om.Customer{ID: c.ID, IDType: c.IDType}, Time: g.time(), Status: om.StatusFailed,
			Reasons: g.reasons(), Final: g.IntN(2) == 0,
		})
		roundTrip(t, om.Message{Text: g.text(), Content: g.contents()})
		roundTrip(t, g.attachment())
		roundTrip(t, g.customer())
	}
}

func TestOutboundRoundTripIsIdentity(t *testing.T) {
	t.Parallel()
	g := gen{seeded(7)}
	for range 3000 {
		o := om.Outbound{ID: "p1", IntegrationID: "i1", CustomerID: "ada" + g.text(), ConversationID: g.text(), Time: g.time(), Origin: om.OriginHuman}
		switch g.IntN(3) {
		case 0:
			o.Body = om.Message{Text: g.text(), Content: g.contents()}
		case 1:
			o.Body = om.Typing{Duration: time.Duration(g.IntN(1e6)) * time.Millisecond}
		default:
			o.Body = om.Receipt{MessageID: "p1", Status: om.StatusDelivered, Reasons: g.reasons(), Final: g.IntN(2) == 0}
		}
		b, err := json.Marshal(o)
		require.NoError(t, err)
		out, err := om.ParseOutbound(b)
		require.NoError(t, err)
		if out.Raw != nil {
			require.Equal(t, string(b), string(out.Raw))
			out.Raw = nil
		}
		require.Equal(t, o, out)
	}
}
