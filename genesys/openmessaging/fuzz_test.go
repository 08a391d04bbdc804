package openmessaging_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	om "github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// stable requires that a value survives writing and reading, and that the second writing has
// the same bytes.
func stable[T any](t *testing.T, v T) {
	t.Helper()
	first, err := json.Marshal(v)
	require.NoError(t, err)
	var again T
	require.NoError(t, json.Unmarshal(first, &again))
	second, err := json.Marshal(again)
	require.NoError(t, err)
	require.Equal(t, string(first), string(second))
}

func FuzzParseOutbound(f *testing.F) {
	for _, name := range fixtures(f) {
		f.Add(fixture(f, name))
	}
	for _, s := range []string{
		``, `null`, `{}`, `{"text":{}}`, `{"type":"Text","content":5}`, `{"content":[null,5,{"contentType":5}]}`,
		`{"type":"Event","events":[{"eventType":"Typing","typing":{"duration":"1e309"}}]}`,
		`{"channel":{"time":"0000-01-01T00:00:00+23:59"}}`, `{"type":"Text","text":"` + "\xff" + `"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := om.ParseOutbound(b)
		if err != nil {
			require.ErrorIs(t, err, om.ErrMalformed)
			return
		}
		require.True(t, json.Valid(b))
		require.NotNil(t, out.Body)
		if out.Raw != nil {
			require.Equal(t, string(b), string(out.Raw))
		}
		stable(t, out)
		if m, ok := out.Body.(om.Message); ok {
			stable(t, m)
		}
	})
}

func FuzzContents(f *testing.F) {
	for _, name := range fixtures(f) {
		var body struct {
			Content json.RawMessage `json:"content"`
		}
		require.NoError(f, json.Unmarshal(fixture(f, name), &body))
		f.Add([]byte(body.Content))
	}
	f.Add([]byte(`[{"contentType":"Location","location":{"latitude":"1e400","longitude":-0}}]`))
	f.Add([]byte(`[{"contentType":"Attachment","attachment":{"contentSizeBytes":9.3e18}}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var c om.Contents
		if err := c.UnmarshalJSON(b); err != nil {
			require.ErrorIs(t, err, om.ErrMalformed)
			return
		}
		stable(t, c)
		for _, item := range c {
			if u, ok := item.(om.UnknownContent); ok {
				require.Contains(t, string(b), string(u.Raw))
			}
		}
	})
}

func FuzzInboundMessage(f *testing.F) {
	for _, name := range []string{"inbound_message", "inbound_reply", "inbound_typing", "inbound_receipt", "text"} {
		f.Add(fixture(f, name))
	}
	f.Add([]byte(`{"channel":{"from":null,"time":"2026-03-02T09:15Z","metadata":{"customAttributes":{"":""}}},"content":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m om.InboundMessage
		if json.Unmarshal(b, &m) == nil {
			_ = m.Validate()
			stable(t, m)
		}
		var r om.Reply
		if json.Unmarshal(b, &r) == nil {
			_ = r.Validate()
			stable(t, r)
		}
		var ty om.InboundTyping
		if json.Unmarshal(b, &ty) == nil {
			_ = ty.Validate()
			stable(t, ty)
		}
		var rc om.InboundReceipt
		if json.Unmarshal(b, &rc) == nil {
			_ = rc.Validate()
			stable(t, rc)
		}
	})
}

func FuzzSplitText(f *testing.F) {
	f.Add("one two\r\nthree e\u0301 👩\u200d🌾", 5)
	f.Add("\xff\xfe", 1)
	f.Add("", -1)
	f.Fuzz(func(t *testing.T, s string, limit int) { checkSplit(t, s, limit) })
}
