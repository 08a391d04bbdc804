package openmessaging_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	om "github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

func mix() om.Card {
	return om.Card{
		Title: "Tulip mix", Description: "Twenty bulbs",
		ImageURL: "https://files.example.com/mix.png", VideoURL: "https://files.example.com/mix.mp4",
		Default: &om.Action{Type: "Link", Text: "See", URL: "https://shop.example.com/mix"},
		Actions: []om.Action{
			{Type: "Postback", Text: "Order", Payload: "order:mix"},
			{Type: "Link", Text: "More", URL: "https://shop.example.com/more"},
		},
	}
}

// bodies returns the expected body of each fixture.
func bodies() map[string]om.Body {
	one := func(text string, c ...om.Content) om.Message { return om.Message{Text: text, Content: c} }
	return map[string]om.Body{
		"text": om.Message{Text: "Good morning Ada, I am looking at your order."},
		"attachment": one("", om.Attachment{
			ID: "a-91", MediaType: om.MediaImage, URL: "https://files.example.com/a-91/tulips.png", MIME: "image/png",
			Filename: "tulips.png", Caption: "Your tulips", SHA256: "9d5e3c", Size: 48213,
		}),
		"quickreply": one("Which bulbs did you mean?",
			om.QuickReply{Text: "Tulips", Payload: "bulb:tulip", ImageURL: "https://files.example.com/t.png"},
			om.QuickReply{Text: "Crocuses", Payload: "bulb:crocus"}),
		"quickreplyv2": one("", om.QuickReplies{
			Title:   "Deliver when?",
			Actions: []om.QuickReply{{Text: "Today", Payload: "today"}, {Text: "Tomorrow", Payload: "tomorrow"}},
		}),
		"card":     one("", mix()),
		"carousel": one("", om.Carousel{Cards: []om.Card{mix(), {Title: "Crocus", Actions: []om.Action{}}}}),
		"datepicker": one("", om.DatePicker{
			Title: "Visit us", Subtitle: "Pick a time", ImageURL: "https://files.example.com/c.png",
			Min: time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC), Max: time.Date(2026, 3, 13, 16, 0, 0, 0, time.UTC),
			Times: []om.TimeSlot{
				{Start: time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC), Duration: 30 * time.Minute},
				{Start: time.Date(2026, 3, 10, 13, 30, 0, 0, time.UTC), Duration: 15 * time.Minute},
			},
		}),
		"listpicker": one("", om.ListPicker{Sections: []om.ListSection{{
			Title: "Spring", Multiple: true, Items: []om.ListItem{
				{ID: "i1", Title: "Tulip", Subtitle: "red", ImageURL: "https://files.example.com/r.png"},
				{ID: "i2", Title: "Crocus"},
			},
		}}}),
		"notification": one("Ada, your bulbs are on their way.", om.Template{
			ID: "tpl-4", Language: "en", Header: "Garden shop", Body: "Ada, your bulbs are on their way.", Footer: "Happy planting",
		}),
		"location": one("", om.Location{
			URL: "https://maps.example.com/?q=1", Address: "1 Canal Street", Text: "The shop", Latitude: 52.375, Longitude: 4.9,
		}),
		"contenttext": one("", om.Text{Body: "A line of its own"}),
		"typing":      om.Typing{Duration: 5 * time.Second},
		"receipt": om.Receipt{
			MessageID: platformID, Status: om.StatusFailed, Final: true,
			Reasons: []om.Reason{{Code: om.ReasonMessageExpired, Message: "Too late"}},
		},
		"unknownbody": om.UnknownBody{Kind: "Semaphore"},
		"presence":    om.UnknownBody{Kind: "Event"},
	}
}

func TestParseOutboundReadsEveryFixture(t *testing.T) {
	t.Parallel()
	want := bodies()
	for _, name := range fixtures(t) {
		if name == "unknowncontent" {
			continue // see TestUnknownContentKeepsItsBytes
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := fixture(t, name)
			out, err := om.ParseOutbound(raw)
			require.NoError(t, err)
			require.Equal(t, platformID, out.ID)
			require.Equal(t, integration, out.IntegrationID)
			require.Equal(t, "ada-17", out.CustomerID)
			require.Equal(t, when(), out.Time)
			if name != "typing" {
				require.Equal(t, conversation, out.ConversationID)
			}
			require.Contains(t, want, name)
			require.Equal(t, want[name], out.Body)
			if _, unknown := out.Body.(om.UnknownBody); unknown {
				require.Equal(t, string(raw), string(out.Raw))
			} else {
				require.Nil(t, out.Raw)
			}
		})
	}
}

func TestOutboundOriginIsKept(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]om.Origin{"text": om.OriginHuman, "card": om.OriginBot, "receipt": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, parse(t, string(fixture(t, name))).Origin)
		})
	}
}

func TestUnknownContentKeepsItsBytes(t *testing.T) {
	t.Parallel()
	raw := fixture(t, "unknowncontent")
	out := parse(t, string(raw))
	m, ok := out.Body.(om.Message)
	require.True(t, ok)
	require.Equal(t, "Look at this", m.Text)
	require.Len(t, m.Content, 2)
	unknown, ok := m.Content[0].(om.UnknownContent)
	require.True(t, ok)
	require.Equal(t, "Hologram", unknown.Kind)
	require.Contains(t, string(raw), string(unknown.Raw))
	require.JSONEq(t, `{"contentType":"Hologram","hologram":{"beam":[1,2,3]}}`, string(unknown.Raw))
	require.IsType(t, om.Attachment{}, m.Content[1])
	require.Equal(t, string(raw), string(out.Raw))
}

func TestOutboundKeepsNoReferenceToItsInput(t *testing.T) {
	t.Parallel()
	b := fixture(t, "unknowncontent")
	want := parse(t, string(b))
	got, err := om.ParseOutbound(b)
	require.NoError(t, err)
	clear(b)
	require.Equal(t, want, got)
}

func TestOutboundFixturesRoundTrip(t *testing.T) {
	t.Parallel()
	for _, name := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := fixture(t, name)
			var first, second om.Outbound
			require.NoError(t, json.Unmarshal(raw, &first))
			b, err := json.Marshal(first)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(b, &second))
			if first.Raw != nil {
				require.Equal(t, compact(t, raw), string(b))
				require.JSONEq(t, string(first.Raw), string(second.Raw))
				return
			}
			require.Equal(t, first, second)
		})
	}
}

func TestOutboundIsWrittenLikeGenesys(t *testing.T) {
	t.Parallel()
	out := om.Outbound{
		ID: "p1", IntegrationID: "i1", CustomerID: "ada-17", ConversationID: "c1", Time: when(),
		Origin: om.OriginHuman, Body: om.Message{Text: "Hi"},
	}
	want := `{"id":"p1","channel":{"id":"i1","platform":"Open","type":"Private","messageId":"p1",` +
		`"to":{"id":"ada-17"},"from":{"id":"i1"},"time":"2026-03-02T09:15:30.250Z"},"type":"Text","text":"Hi",` +
		`"originatingEntity":"Human","direction":"Outbound","conversationId":"c1"}`
	require.Equal(t, want, marshal(t, out))
	out.Body = om.Message{Content: om.Contents{mix()}}
	require.Contains(t, marshal(t, out), `"type":"Structured"`)
	out.Body = nil
	_, err := json.Marshal(out)
	require.ErrorContains(t, err, "Body is nil")
}

func TestParseOutboundRefusesOnlyNonObjects(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty": "", "space": " \n", "null": "null", "array": "[]", "string": `"x"`, "number": "7", "text": "hello",
		"truncated": `{"id":"a"`, "two values": `{}{}`, "trailing": `{} x`, "bad escape": `{"id":"\x"}`, "nul": "\x00",
		"truncated after a wrong type": `{"id":[1],"text":"secret words`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := om.ParseOutbound([]byte(body))
			require.ErrorIs(t, err, om.ErrMalformed)
			require.ErrorContains(t, err, "openmessaging: outbound")
			require.NotContains(t, err.Error(), "secret")
			var out om.Outbound
			require.Error(t, json.Unmarshal([]byte(body), &out))
			require.Equal(t, om.Outbound{}, out)
		})
	}
}
