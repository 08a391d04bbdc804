package openmessaging_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	om "github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

const torn = "secret\xff"

// fields returns the field of every mistake, in order.
func fields(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	require.ErrorIs(t, err, om.ErrInvalid)
	require.NotContains(t, err.Error(), "secret")
	var names []string
	var joined interface{ Unwrap() []error }
	require.ErrorAs(t, err, &joined)
	for _, e := range joined.Unwrap() {
		field, ok := errors.AsType[*om.FieldError](e)
		require.True(t, ok)
		require.True(t, strings.HasPrefix(e.Error(), "openmessaging: "+field.What+": "+field.Field+" "))
		names = append(names, field.Field)
	}
	return names
}

func TestValidateReportsEveryMessageMistake(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*om.InboundMessage)
		want   []string
	}{
		"valid":                 {func(*om.InboundMessage) {}, nil},
		"text only":             {func(m *om.InboundMessage) { m.Attachment = nil }, nil},
		"attachment only":       {func(m *om.InboundMessage) { m.Text = "" }, nil},
		"neither":               {func(m *om.InboundMessage) { m.Text, m.Attachment = "", nil }, []string{"Text"}},
		"no time":               {func(m *om.InboundMessage) { m.Time = time.Time{} }, []string{"Time"}},
		"far future":            {func(m *om.InboundMessage) { m.Time = m.Time.AddDate(9000, 0, 0) }, []string{"Time"}},
		"no customer":           {func(m *om.InboundMessage) { m.From.ID = "" }, []string{"From.ID"}},
		"bad id type":           {func(m *om.InboundMessage) { m.From.IDType = "secret" }, []string{"From.IDType"}},
		"bad image":             {func(m *om.InboundMessage) { m.From.ImageURL = "ada.png" }, []string{"From.ImageURL"}},
		"text at the limit":     {func(m *om.InboundMessage) { m.Text = strings.Repeat("é", 2000) }, nil},
		"text over the limit":   {func(m *om.InboundMessage) { m.Text = strings.Repeat("é", 2000+1) }, []string{"Text"}},
		"empty key":             {func(m *om.InboundMessage) { m.Attributes[""] = "v" }, []string{`Attributes[""]`}},
		"no url":                {func(m *om.InboundMessage) { m.Attachment.URL = "" }, []string{"Attachment.URL"}},
		"relative url":          {func(m *om.InboundMessage) { m.Attachment.URL = "/secret.png" }, []string{"Attachment.URL"}},
		"file url":              {func(m *om.InboundMessage) { m.Attachment.URL = "file:///secret.png" }, []string{"Attachment.URL"}},
		"url without host":      {func(m *om.InboundMessage) { m.Attachment.URL = "https:///secret.png" }, []string{"Attachment.URL"}},
		"torn url":              {func(m *om.InboundMessage) { m.Attachment.URL = "https://h/%zz" }, []string{"Attachment.URL"}},
		"no mime":               {func(m *om.InboundMessage) { m.Attachment.MIME = "" }, []string{"Attachment.MIME"}},
		"half a mime":           {func(m *om.InboundMessage) { m.Attachment.MIME = "png" }, []string{"Attachment.MIME"}},
		"broken mime":           {func(m *om.InboundMessage) { m.Attachment.MIME = "image/" }, []string{"Attachment.MIME"}},
		"bad media type":        {func(m *om.InboundMessage) { m.Attachment.MediaType = "Picture" }, []string{"Attachment.MediaType"}},
		"no media type":         {func(m *om.InboundMessage) { m.Attachment.MediaType = "" }, nil},
		"25 MB":                 {func(m *om.InboundMessage) { m.Attachment.Size = om.MaxAttachmentBytes }, nil},
		"over 25 MB":            {func(m *om.InboundMessage) { m.Attachment.Size = om.MaxAttachmentBytes + 1 }, []string{"Attachment.Size"}},
		"negative size":         {func(m *om.InboundMessage) { m.Attachment.Size = -1 }, []string{"Attachment.Size"}},
		"request too long":      {func(m *om.InboundMessage) { m.Attachment.Caption = strings.Repeat("c", om.MaxRequestBytes) }, []string{"JSON"}},
		"too long once escaped": {func(m *om.InboundMessage) { m.From.Nickname = strings.Repeat("\x01", om.MaxRequestBytes/6) }, []string{"JSON"}},
		"long, not too long":    {func(m *om.InboundMessage) { m.Attachment.Caption = strings.Repeat("c", om.MaxRequestBytes-1000) }, nil},
		"torn UTF-8": {
			func(m *om.InboundMessage) {
				m.From = om.Customer{ID: torn, Nickname: torn, FirstName: torn, LastName: torn, Email: torn}
				m.MessageID, m.Text = torn, torn
				m.Attachment.ID, m.Attachment.Filename, m.Attachment.Caption, m.Attachment.SHA256 = torn, torn, torn, torn
				m.Attributes = map[string]string{"a": torn}
			},
			[]string{
				"From.ID", "From.Nickname", "From.FirstName", "From.LastName", "From.Email", "MessageID", "Text",
				"Attachment.ID", "Attachment.Filename", "Attachment.Caption", "Attachment.SHA256", `Attributes["a"]`,
			},
		},
		"several, in order": {
			func(m *om.InboundMessage) {
				*m = om.InboundMessage{Attributes: map[string]string{"": "", "b": "\xff", "a": "\xff"}}
			},
			[]string{"From.ID", "Time", "Text", `Attributes[""]`, `Attributes["a"]`, `Attributes["b"]`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := message()
			c.change(&m)
			require.Equal(t, c.want, fields(t, m.Validate()))
		})
	}
}

func TestValidateNamesLimitAndFix(t *testing.T) {
	t.Parallel()
	m := message()
	m.Text = strings.Repeat("x", 2001)
	m.Attachment.Size = 30_000_000
	require.EqualError(t, m.Validate(), strings.Join([]string{
		"openmessaging: inbound message: Text has 2001 characters; the limit is 2000, cut it with SplitText and send the parts in order",
		"openmessaging: inbound message: Attachment.Size is 30000000 bytes; Genesys accepts 0 to 25000000 (25 MB), send a link in the text instead",
	}, "\n"))
	m = message()
	m.Attachment.Caption = strings.Repeat("c", 600_000)
	require.ErrorContains(t, m.Validate(), "the limit of a request is 512000")
}

func TestValidateReportsEveryReplyMistake(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*om.Reply)
		want   []string
	}{
		"valid":       {func(*om.Reply) {}, nil},
		"button":      {func(r *om.Reply) { r.Kind = om.ReplyButton }, nil},
		"date picker": {func(r *om.Reply) { r.Kind = om.ReplyDatePicker }, nil},
		"list picker": {func(r *om.Reply) { r.Kind = "ListPicker" }, []string{"Kind"}},
		"empty":       {func(r *om.Reply) { *r = om.Reply{} }, []string{"From.ID", "Time", "InReplyTo", "Kind", "Text", "Payload"}},
		"long text":   {func(r *om.Reply) { r.Text = strings.Repeat("x", 2000+1) }, []string{"Text"}},
		"long":        {func(r *om.Reply) { r.Payload = strings.Repeat("x", om.MaxRequestBytes) }, []string{"JSON"}},
		"torn UTF-8":  {func(r *om.Reply) { r.InReplyTo, r.Payload, r.MessageID = torn, torn, torn }, []string{"MessageID", "InReplyTo", "Payload"}},
		"torn text":   {func(r *om.Reply) { r.Text = torn }, []string{"Text"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reply()
			c.change(&r)
			require.ElementsMatch(t, c.want, unique(fields(t, r.Validate())))
		})
	}
}

func unique(names []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, n := range names {
		if !seen[n] {
			out = append(out, n)
		}
		seen[n] = true
	}
	return out
}

func TestValidateReportsEveryTypingMistake(t *testing.T) {
	t.Parallel()
	require.NoError(t, typing().Validate())
	require.Equal(t, []string{"From.ID", "Time"}, fields(t, om.InboundTyping{}.Validate()))
	long := typing()
	long.From.Nickname = strings.Repeat("x", om.MaxRequestBytes)
	require.Equal(t, []string{"JSON"}, fields(t, long.Validate()))
}

func TestValidateReportsEveryReceiptMistake(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*om.InboundReceipt)
		want   []string
	}{
		"valid":              {func(*om.InboundReceipt) {}, nil},
		"delivered":          {func(r *om.InboundReceipt) { r.Status, r.Reasons = om.StatusDelivered, nil }, nil},
		"failed, no reasons": {func(r *om.InboundReceipt) { r.Reasons = nil }, nil},
		"no code":            {func(r *om.InboundReceipt) { r.Reasons[0].Code = "" }, nil},
		"empty":              {func(r *om.InboundReceipt) { *r = om.InboundReceipt{} }, []string{"MessageID", "To.ID", "Time", "Status"}},
		"reasons without Failed": {
			func(r *om.InboundReceipt) { r.Status = om.StatusDelivered }, []string{"Reasons"},
		},
		"reason without message": {func(r *om.InboundReceipt) { r.Reasons[0].Message = "" }, []string{"Reasons[0].Message"}},
		"unknown code":           {func(r *om.InboundReceipt) { r.Reasons[0].Code = "Tired" }, []string{"Reasons[0].Code"}},
		"torn UTF-8":             {func(r *om.InboundReceipt) { r.Reasons[0].Message = torn }, []string{"Reasons[0].Message"}},
		"long":                   {func(r *om.InboundReceipt) { r.Reasons[0].Message = strings.Repeat("x", om.MaxRequestBytes) }, []string{"JSON"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := receipt()
			c.change(&r)
			require.Equal(t, c.want, fields(t, r.Validate()))
		})
	}
	for _, s := range []om.Status{om.StatusSent, om.StatusPublished, om.StatusRemoved, om.StatusRead, "secret"} {
		r := receipt()
		r.Status, r.Reasons = s, nil
		require.Equal(t, []string{"Status"}, fields(t, r.Validate()))
	}
}

func TestValidateReportsPartsAlone(t *testing.T) {
	t.Parallel()
	require.NoError(t, message().From.Validate())
	require.Equal(t, []string{"ID"}, fields(t, om.Customer{}.Validate()))
	require.NoError(t, message().Attachment.Validate())
	require.Equal(t, []string{"URL", "MIME"}, fields(t, om.Attachment{}.Validate()))
}
