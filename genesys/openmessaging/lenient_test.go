package openmessaging_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	om "github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

func TestEnvelopeIsReadLeniently(t *testing.T) {
	t.Parallel()
	hi := om.Message{Text: "Hi"}
	for name, c := range map[string]struct {
		body string
		want om.Outbound
	}{
		"nothing but text": {`{"type":"Text","text":"Hi"}`, om.Outbound{Body: hi}},
		"no type":          {`{"text":"Hi"}`, om.Outbound{Body: hi}},
		"Message":          {`{"type":"Message","text":"Hi"}`, om.Outbound{Body: hi}},
		"Structured":       {`{"type":"Structured","text":"Hi"}`, om.Outbound{Body: hi}},
		"leading space":    {" \r\n\t{\"type\":\"Text\",\"text\":\"Hi\"}\n", om.Outbound{Body: hi}},
		"id from messageId": {
			`{"channel":{"messageId":"m1"},"type":"Text","text":"Hi"}`, om.Outbound{ID: "m1", Body: hi},
		},
		"id before messageId": {
			`{"id":"p1","channel":{"messageId":"m1"},"type":"Text","text":"Hi"}`, om.Outbound{ID: "p1", Body: hi},
		},
		"integration from channel.from": {
			`{"channel":{"from":{"id":"i1","nickName":"Shop"},"to":{"id":"ada"}},"type":"Text","text":"Hi"}`,
			om.Outbound{IntegrationID: "i1", CustomerID: "ada", Body: hi},
		},
		"channel.id before channel.from": {
			`{"channel":{"id":"i1","from":{"id":"other"},"to":{"id":"ada"}},"type":"Text","text":"Hi"}`,
			om.Outbound{IntegrationID: "i1", CustomerID: "ada", Body: hi},
		},
		"swapped ends": {
			`{"channel":{"id":"i1","from":{"id":"ada"},"to":{"id":"i1"}},"type":"Text","text":"Hi"}`,
			om.Outbound{IntegrationID: "i1", CustomerID: "ada", Body: hi},
		},
		"nulls": {
			`{"id":null,"channel":{"id":null,"to":null,"from":null,"time":null,"metadata":null},"type":"Text","text":"Hi",
			"content":null,"events":null,"reasons":null,"status":null,"isFinalReceipt":null,"conversationId":null}`,
			om.Outbound{Body: hi},
		},
		"null channel": {`{"channel":null,"type":"Text","text":"Hi"}`, om.Outbound{Body: hi}},
		"empty arrays": {
			`{"type":"Text","text":"Hi","content":[],"reasons":[],"relatedMessages":[],"events":[]}`, om.Outbound{Body: hi},
		},
		"unknown fields": {
			`{"type":"Text","text":"Hi","byoc":{"x":[1]},"channel":{"to":{"additionalIds":[]},"z":1}}`, om.Outbound{Body: hi},
		},
		"numbers for strings": {
			`{"id":12,"channel":{"id":34,"to":{"id":48123456789}},"conversationId":5,"type":"Text","text":7.50}`,
			om.Outbound{ID: "12", IntegrationID: "34", CustomerID: "48123456789", ConversationID: "5", Body: om.Message{Text: "7.50"}},
		},
		"wrong types cost only themselves": {
			`{"id":{},"channel":{"id":[],"to":{"id":"ada"},"from":"x","time":{}},"originatingEntity":["Human"],
			"conversationId":"c1","type":"Text","text":"Hi","events":5,"reasons":"x","status":{},"isFinalReceipt":"maybe"}`,
			om.Outbound{CustomerID: "ada", ConversationID: "c1", Body: hi},
		},
		"channel of a wrong type": {`{"id":"p1","channel":[],"type":"Text","text":"Hi"}`, om.Outbound{ID: "p1", Body: hi}},
		"other case":              {`{"ID":"p1","Type":"Text","TEXT":"Hi"}`, om.Outbound{ID: "p1", Body: hi}},
		"empty message":           {`{"type":"Text"}`, om.Outbound{Body: om.Message{}}},
		"duplicate keys":          {`{"type":"Text","text":"Ho","text":"Hi"}`, om.Outbound{Body: hi}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, parse(t, c.body))
		})
	}
}

func TestTimeIsReadLeniently(t *testing.T) {
	t.Parallel()
	full := when()
	for in, want := range map[string]time.Time{
		`"2026-03-02T09:15:30.250Z"`:      full,
		`"2026-03-02T09:15:30.2500000Z"`:  full,
		`"2026-03-02T11:15:30.250+02:00"`: full,
		`"2026-03-02T11:15:30.250+0200"`:  full,
		`"2026-03-02T09:15:30.250"`:       full,
		`"2026-03-02T09:15:30Z"`:          full.Truncate(time.Second),
		`"2026-03-02T09:15Z"`:             full.Truncate(time.Minute),
		`"2026-03-02T09:15+0000"`:         full.Truncate(time.Minute),
		`"yesterday"`:                     {},
		`""`:                              {},
		`"0000-01-01T00:00:00+23:59"`:     {},
		`null`:                            {},
		`17`:                              {},
		`{}`:                              {},
	} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			out := parse(t, `{"channel":{"time":`+in+`},"type":"Text","text":"Hi"}`)
			require.Equal(t, want, out.Time)
			require.Equal(t, om.Message{Text: "Hi"}, out.Body)
		})
	}
}

func TestEventsAndReceiptsAreReadLeniently(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want om.Body
	}{
		"typing without details":  {`{"type":"Event","events":[{"eventType":"Typing"}]}`, om.Typing{}},
		"null details":            {`{"type":"Event","events":[{"eventType":"Typing","typing":null}]}`, om.Typing{}},
		"duration as a string":    {`{"type":"Event","events":[{"eventType":"Typing","typing":{"duration":"5000"}}]}`, om.Typing{Duration: 5 * time.Second}},
		"duration as a fraction":  {`{"type":"Event","events":[{"eventType":"Typing","typing":{"duration":5e3}}]}`, om.Typing{Duration: 5 * time.Second}},
		"negative duration":       {`{"type":"Event","events":[{"eventType":"Typing","typing":{"duration":-5}}]}`, om.Typing{}},
		"huge duration":           {`{"type":"Event","events":[{"eventType":"Typing","typing":{"duration":9223372036854775807}}]}`, om.Typing{Duration: 9223372036854 * time.Millisecond}},
		"unreadable duration":     {`{"type":"Event","events":[{"eventType":"Typing","typing":{"duration":"soon"}}]}`, om.Typing{}},
		"typing wins":             {`{"type":"Event","events":[{"eventType":"Presence"},{"eventType":"Typing","typing":{"duration":10}}]}`, om.Typing{Duration: 10 * time.Millisecond}},
		"typing wins over rubble": {`{"type":"Event","events":[5,null,"x",{"eventType":"Typing","typing":{"duration":10}}]}`, om.Typing{Duration: 10 * time.Millisecond}},
		"no events":               {`{"type":"Event"}`, om.UnknownBody{Kind: "Event"}},
		"events of a wrong type":  {`{"type":"Event","events":{}}`, om.UnknownBody{Kind: "Event"}},
		"empty text is no typing": {`{"type":"Text","text":""}`, om.Message{}},
		"receipt, no reasons":     {`{"id":"p1","type":"Receipt","status":"Published","reasons":[]}`, om.Receipt{MessageID: "p1", Status: om.StatusPublished}},
		"receipt, new words": {
			`{"id":"p1","type":"Receipt","status":"Seen","reasons":[{"code":"Moon","message":""}]}`,
			om.Receipt{MessageID: "p1", Status: "Seen", Reasons: []om.Reason{{Code: "Moon"}}},
		},
		"receipt, converted": {
			`{"id":1,"type":"Receipt","status":"Failed","isFinalReceipt":"true","reasons":[{"code":5,"message":"m"},7]}`,
			om.Receipt{MessageID: "1", Status: om.StatusFailed, Final: true, Reasons: []om.Reason{{Code: "5", Message: "m"}, {}}},
		},
		"nothing":         {`{}`, om.UnknownBody{}},
		"type in digits":  {`{"type":5}`, om.UnknownBody{Kind: "5"}},
		"type of objects": {`{"type":{}}`, om.UnknownBody{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := parse(t, c.body)
			require.Equal(t, c.want, out.Body)
			_, unknown := c.want.(om.UnknownBody)
			require.Equal(t, unknown, out.Raw != nil)
		})
	}
}

func TestTextOfAWrongTypeKeepsTheRest(t *testing.T) {
	t.Parallel()
	body := `{"id":"p1","type":"Text","text": {"a":1} ,"content":[{"contentType":"Text","text":{"body":"b"}}]}`
	out := parse(t, body)
	require.Equal(t, "p1", out.ID)
	require.Equal(t, om.Message{Content: om.Contents{
		om.UnknownContent{Raw: []byte(`{"a":1}`)}, om.Text{Body: "b"},
	}}, out.Body)
	require.Equal(t, body, string(out.Raw))
}

func TestDeepNestingIsAnError(t *testing.T) {
	t.Parallel()
	_, err := om.ParseOutbound([]byte(`{"content":` + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000) + `}`))
	require.ErrorIs(t, err, om.ErrMalformed)
	deep := `{"type":"Text","text":5,"content":[` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + `]}`
	require.Equal(t, "5", parse(t, deep).Body.(om.Message).Text)
}
