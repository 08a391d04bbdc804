package openmessaging_test

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	om "github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

func TestContentsAreReadLeniently(t *testing.T) {
	t.Parallel()
	unknown := func(kind, raw string) om.Contents {
		return om.Contents{om.UnknownContent{Kind: kind, Raw: json.RawMessage(raw)}}
	}
	for name, c := range map[string]struct {
		in   string
		want om.Contents
	}{
		"null":                          {`null`, nil},
		"empty":                         {`[]`, nil},
		"no contentType":                {`[{"attachment":{"url":"u"}}]`, om.Contents{om.Attachment{URL: "u"}}},
		"size as a string":              {`[{"contentType":"Attachment","attachment":{"url":"u","contentSizeBytes":"12"}}]`, om.Contents{om.Attachment{URL: "u", Size: 12}}},
		"size as 12.0":                  {`[{"contentType":"Attachment","attachment":{"url":"u","contentSizeBytes":12.0}}]`, om.Contents{om.Attachment{URL: "u", Size: 12}}},
		"id as a number":                {`[{"contentType":"Attachment","attachment":{"id":7,"url":"u"}}]`, om.Contents{om.Attachment{ID: "7", URL: "u"}}},
		"bad neighbour":                 {`[{"contentType":"Attachment","attachment":{"url":"u"},"text":"caption"}]`, om.Contents{om.Attachment{URL: "u"}}},
		"bad neighbour, no contentType": {`[{"attachment":{"url":"u"},"text":"caption"}]`, om.Contents{om.Attachment{URL: "u"}}},
		"template, bad neighbour":       {`[{"contentType":"Notification","card":5,"template":{"body":{"text":"b"}}}]`, om.Contents{om.Template{Body: "b"}}},
		"degrees as strings":            {`[{"contentType":"Location","location":{"latitude":"1.5","longitude":"-2"}}]`, om.Contents{om.Location{Latitude: 1.5, Longitude: -2}}},
		"slot as a string": {
			`[{"contentType":"DatePicker","datePicker":{"availableTimes":[{"dateTime":"2026-03-09T08:00Z","duration":"60"}]}}]`,
			om.Contents{om.DatePicker{Times: []om.TimeSlot{{Start: time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC), Duration: time.Minute}}}},
		},
		"flag as a string": {
			`[{"contentType":"ListPicker","listPicker":{"sections":[{"multipleSelection":"true"}]}}]`,
			om.Contents{om.ListPicker{Sections: []om.ListSection{{Multiple: true}}}},
		},
		"known kind without data":  {`[{"contentType":"Card"}]`, unknown("Card", `{"contentType":"Card"}`)},
		"known kind with null":     {`[{"contentType":"Card","card":null}]`, unknown("Card", `{"contentType":"Card","card":null}`)},
		"undecodable field":        {`[{"contentType":"Card","card":{"title":{}}}]`, unknown("Card", `{"contentType":"Card","card":{"title":{}}}`)},
		"template without data":    {`[{"contentType":"Notification"}]`, unknown("Notification", `{"contentType":"Notification"}`)},
		"date picker without data": {`[{"contentType":"DatePicker"}]`, unknown("DatePicker", `{"contentType":"DatePicker"}`)},
		"undecodable time": {
			`[{"contentType":"DatePicker","datePicker":{"dateMinimum":"soon"}}]`,
			unknown("DatePicker", `{"contentType":"DatePicker","datePicker":{"dateMinimum":"soon"}}`),
		},
		"size not a number": {
			`[{"contentType":"Attachment","attachment":{"contentSizeBytes":"NaN"}}]`,
			unknown("Attachment", `{"contentType":"Attachment","attachment":{"contentSizeBytes":"NaN"}}`),
		},
		"null item":          {`[null]`, unknown("", `null`)},
		"number item":        {`[5]`, unknown("", `5`)},
		"kind in digits":     {`[{"contentType":5}]`, unknown("5", `{"contentType":5}`)},
		"space is kept":      {`[ {"contentType" : "X"} ]`, unknown("X", `{"contentType" : "X"}`)},
		"one bad of several": {`[{"contentType":"Text","text":{"body":"a"}},5,{"contentType":"Text","text":{"body":"b"}}]`, om.Contents{om.Text{Body: "a"}, om.UnknownContent{Raw: []byte("5")}, om.Text{Body: "b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got om.Contents
			require.NoError(t, json.Unmarshal([]byte(c.in), &got))
			require.Equal(t, c.want, got)

			out := parse(t, `{"type":"Structured","text":"Hi","content":`+c.in+`}`)
			require.Equal(t, om.Message{Text: "Hi", Content: c.want}, out.Body)
		})
	}
}

func TestNonListContentFailsOnlyWhenReadAlone(t *testing.T) {
	t.Parallel()
	var c om.Contents
	require.ErrorIs(t, json.Unmarshal([]byte(`{"a":1}`), &c), om.ErrMalformed)
	require.ErrorIs(t, c.UnmarshalJSON([]byte(`[`)), om.ErrMalformed)
	out := parse(t, `{"type":"Text","text":"Hi","content":{"a":1}}`)
	require.Equal(t, om.Message{Text: "Hi", Content: om.Contents{om.UnknownContent{Raw: []byte(`{"a":1}`)}}}, out.Body)
}

func TestContentsRoundTripIsByteForByte(t *testing.T) {
	t.Parallel()
	in := `[{"contentType":"Sign","sign":{"z":"<b> & \u00e9","a":1.50,"z":2}},` +
		`{"contentType":"Card","card":{"title":"T","defaultAction":{},"actions":[]}},"odd",null]`
	var c om.Contents
	require.NoError(t, json.Unmarshal([]byte(in), &c))
	exact, err := c.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, in, string(exact))

	var unescaped bytes.Buffer
	enc := json.NewEncoder(&unescaped)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(om.Message{Content: c}))
	require.Equal(t, `{"content":`+in+"}\n", unescaped.String())
}

func TestContentsThatCannotBeWrittenAreErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]om.Content{
		"nil": nil, "pointer": &om.Card{}, "raw is no JSON": om.UnknownContent{Raw: []byte("{")},
		"no number": om.Location{Latitude: math.NaN()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := json.Marshal(om.Contents{om.Text{}, c})
			require.ErrorContains(t, err, "openmessaging: content 1: ")
		})
	}
	require.Equal(t, "[]", marshal(t, om.Contents(nil)))
	kindOnly := `[{"contentType":"X"}]`
	require.Equal(t, kindOnly, marshal(t, om.Contents{om.UnknownContent{Kind: "X"}}))
}

func TestEachContentKindRoundTripsAlone(t *testing.T) {
	t.Parallel()
	for name, body := range bodies() {
		m, ok := body.(om.Message)
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var back om.Message
			require.NoError(t, json.Unmarshal([]byte(marshal(t, m)), &back))
			require.Equal(t, m, back)
		})
	}
	var d om.DatePicker
	require.ErrorContains(t, json.Unmarshal([]byte(`{"dateMaximum":"soon"}`), &d), "ISO 8601")
	require.ErrorIs(t, json.Unmarshal([]byte(`{"title":5}`), &d), om.ErrMalformed)
	want := bodies()["datepicker"].(om.Message).Content[0].(om.DatePicker)
	require.NoError(t, json.Unmarshal([]byte(marshal(t, want)), &d))
	require.Equal(t, want, d)
	var tpl om.Template
	require.ErrorIs(t, json.Unmarshal([]byte(`{"body":5}`), &tpl), om.ErrMalformed)
	require.NoError(t, json.Unmarshal([]byte(marshal(t, om.Template{ID: "1", Body: "b"})), &tpl))
	require.Equal(t, om.Template{ID: "1", Body: "b"}, tpl)
}
