package openmessaging_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	om "github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

func message() om.InboundMessage {
	return om.InboundMessage{
		From: om.Customer{
			ID: "ada-17", IDType: om.IDOpaque, Nickname: "Ada", FirstName: "Ada", LastName: "Marsh",
			Email: "ada@example.com", ImageURL: "https://files.example.com/ada.png",
		},
		MessageID: "m-1", Time: when(), Text: "Here is a picture",
		Attachment: &om.Attachment{
			ID: "f-1", MediaType: om.MediaImage, URL: "https://files.example.com/leaf.png", MIME: "image/png",
			Filename: "leaf.png", Caption: "A sad leaf", SHA256: "0a1b2c",
		},
		Attributes: map[string]string{"plan": "gold", "language": "en"},
	}
}

func reply() om.Reply {
	return om.Reply{
		From: om.Customer{ID: "ada-17", IDType: om.IDOpaque}, MessageID: "m-2", Time: when(), InReplyTo: platformID,
		Kind: om.ReplyQuickReply, Text: "Tulips", Payload: "bulb:tulip",
	}
}

func typing() om.InboundTyping {
	return om.InboundTyping{From: om.Customer{ID: "ada@example.com", IDType: om.IDEmail}, Time: when()}
}

func receipt() om.InboundReceipt {
	return om.InboundReceipt{
		MessageID: platformID, To: om.Customer{ID: "ada-17", IDType: om.IDOpaque}, Time: when(), Status: om.StatusFailed,
		Reasons: []om.Reason{{Code: om.ReasonInvalidDestination, Message: "the chat is closed"}}, Final: true,
	}
}

func TestInboundBodiesMatchTheSamples(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]any{
		"inbound_message": message(), "inbound_reply": reply(), "inbound_typing": typing(), "inbound_receipt": receipt(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := fixture(t, name)
			require.Equal(t, compact(t, want), marshal(t, v))
			back := reflect.New(reflect.TypeOf(v))
			require.NoError(t, json.Unmarshal(want, back.Interface()))
			require.Equal(t, v, back.Elem().Interface())
		})
	}
}

func TestInboundOmitsEmptyFields(t *testing.T) {
	t.Parallel()
	m := om.InboundMessage{From: om.Customer{ID: "ada-17"}, Time: when(), Text: "Hi"}
	want := `{"channel":{"from":{"id":"ada-17","idType":"Opaque"},"time":"2026-03-02T09:15:30.250Z"},"text":"Hi"}`
	require.Equal(t, want, marshal(t, m))
	r := om.InboundReceipt{MessageID: "p1", To: om.Customer{ID: "ada-17", Nickname: "Ada", Email: "x@example.com"}, Time: when(), Status: om.StatusDelivered}
	want = `{"id":"p1","channel":{"to":{"id":"ada-17","idType":"Opaque"},"time":"2026-03-02T09:15:30.250Z"},` +
		`"status":"Delivered","isFinalReceipt":false}`
	require.Equal(t, want, marshal(t, r))
}

func TestTimeHasThreeFractionDigits(t *testing.T) {
	t.Parallel()
	warsaw := time.FixedZone("UTC+2", 2*3600)
	for want, in := range map[string]time.Time{
		"2026-03-02T09:15:30.000Z": time.Date(2026, 3, 2, 9, 15, 30, 0, time.UTC),
		"2026-03-02T09:15:30.100Z": time.Date(2026, 3, 2, 9, 15, 30, 100e6, time.UTC),
		"2026-03-02T09:15:30.123Z": time.Date(2026, 3, 2, 9, 15, 30, 123_999_999, time.UTC),
		"2026-03-02T22:30:00.000Z": time.Date(2026, 3, 3, 0, 30, 0, 0, warsaw),
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			b := marshal(t, om.InboundTyping{From: om.Customer{ID: "a"}, Time: in})
			require.Contains(t, b, `"time":"`+want+`"`)
			var back om.InboundTyping
			require.NoError(t, json.Unmarshal([]byte(b), &back))
			require.Equal(t, in.UTC().Truncate(time.Millisecond), back.Time)
		})
	}
}

func TestIDTypeIsCapitalized(t *testing.T) {
	t.Parallel()
	for in, want := range map[om.IDType]om.IDType{"": om.IDOpaque, "email": om.IDEmail, "PHONE": om.IDPhone, "Opaque": om.IDOpaque} {
		t.Run(string(want)+" from "+string(in), func(t *testing.T) {
			t.Parallel()
			c := om.Customer{ID: "a", IDType: in}
			require.NoError(t, c.Validate())
			b := marshal(t, om.InboundTyping{From: c, Time: when()})
			require.Contains(t, b, `"idType":"`+string(want)+`"`)
			var back om.InboundTyping
			require.NoError(t, json.Unmarshal([]byte(`{"channel":{"from":{"id":"a","idType":"`+string(in)+`"}}}`), &back))
			require.Equal(t, want, back.From.IDType)
		})
	}
}

func TestMediaTypeFollowsMIME(t *testing.T) {
	t.Parallel()
	for mimeType, want := range map[string]om.MediaType{
		"image/png": om.MediaImage, "Image/JPEG": om.MediaImage, "video/mp4": om.MediaVideo, "audio/ogg; codecs=opus": om.MediaAudio,
		"application/pdf": om.MediaFile, "text/plain": om.MediaFile, "": om.MediaFile, "imagery/x": om.MediaFile,
	} {
		t.Run(mimeType, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, om.MediaTypeOf(mimeType))
			m := om.InboundMessage{Attachment: &om.Attachment{URL: "https://f.example.com/x", MIME: mimeType, Size: 5}}
			b := marshal(t, m)
			require.Contains(t, b, `"mediaType":"`+string(want)+`"`)
			require.NotContains(t, b, "contentSizeBytes", "the inbound schema has no such field")
			require.Empty(t, m.Attachment.MediaType, "the caller's value is not touched")
			m.Attachment.MediaType = om.MediaLink
			require.Contains(t, marshal(t, m), `"mediaType":"Link"`)
		})
	}
}

func TestEqualValuesHaveEqualBytes(t *testing.T) {
	t.Parallel()
	m := message()
	for i := range 40 {
		m.Attributes[string(rune('a'+i))] = "v"
	}
	want := marshal(t, m)
	for range 20 {
		m.Attributes = maps.Clone(m.Attributes)
		require.Equal(t, want, marshal(t, m))
	}
}

func TestInboundIsReadLeniently(t *testing.T) {
	t.Parallel()
	var m om.InboundMessage
	require.NoError(t, json.Unmarshal([]byte(`{"channel":{"from":{"id":"a","idType":"email","nickName":"Ada"},"platform":"Open",
		"time":"nonsense","metadata":{"subType":"None","customAttributes":{}}},"direction":"Inbound","text":null,
		"content":[{"contentType":"Other"},{"attachment":{"url":"u"}}]}`), &m))
	require.Equal(t, om.InboundMessage{
		From: om.Customer{ID: "a", IDType: om.IDEmail, Nickname: "Ada"}, Attachment: &om.Attachment{URL: "u"},
	}, m)
	m = message()
	require.NoError(t, json.Unmarshal([]byte(`{}`), &m))
	require.Equal(t, om.InboundMessage{}, m)
	r := receipt()
	require.NoError(t, json.Unmarshal([]byte(`{"reasons":[]}`), &r))
	require.Equal(t, om.InboundReceipt{}, r)
	p := reply()
	require.NoError(t, json.Unmarshal([]byte(`{}`), &p))
	require.Equal(t, om.Reply{}, p)
}

func TestInboundReadErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]json.Unmarshaler{
		"message": &om.InboundMessage{}, "reply": &om.Reply{}, "typing": &om.InboundTyping{}, "receipt": &om.InboundReceipt{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, body := range []string{`[]`, `{`, `{"channel":{"time":481234567}}`, `{"channel":{"metadata":{"customAttributes":{"481234567":1}}}}`} {
				err := v.UnmarshalJSON([]byte(body))
				require.ErrorIs(t, err, om.ErrMalformed)
				require.NotContains(t, err.Error(), "481234567")
			}
			require.ErrorContains(t, v.UnmarshalJSON([]byte(`{"channel":{"time":481234567}}`)), "at byte 28")
		})
	}
}
