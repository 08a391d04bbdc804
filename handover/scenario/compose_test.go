package scenario_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

type callerKey struct{}

// composing sets Config.Compose.
func composing(f func(ctx context.Context, o handover.Opening) ([]string, error)) func(*handover.Config) {
	return func(c *handover.Config) { c.Compose = f }
}

// TestComposeResultOpensTheConversation checks that Compose gets the caller's context and the
// whole request, and that its result opens the conversation.
func TestComposeResultOpensTheConversation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		calls := 0
		h := newHost(t, org, composing(func(ctx context.Context, o handover.Opening) ([]string, error) {
			calls++
			o.Request.Attributes["added"] = "by Compose"
			return []string{fmt.Sprint(ctx.Value(callerKey{}), " ", o.Key.Channel, " ", o.Channel.AgentQueue), " ", o.Request.Summary}, nil
		}))
		ctx := context.WithValue(t.Context(), callerKey{}, "caller")
		request := handover.Request{ID: "r1", Summary: "a bill", Attributes: map[string]string{"plan": "gold"}}
		first, err := h.desk.HandOver(ctx, handover.Customer("c1"), request)
		require.NoError(t, err)
		chat := ann.Wait(t).Accept()
		require.Equal(t, []string{"caller genesys Support", "a bill"}, chat.Texts())
		require.Equal(t, request.Attributes, chat.Attributes())
		again, err := h.desk.HandOver(ctx, handover.Customer("c1"), request)
		require.NoError(t, err)
		require.Equal(t, first.ID, again.ID)
		require.Equal(t, 1, calls, "a repeat composes nothing")
		require.Equal(t, map[string]string{"plan": "gold"}, request.Attributes, "the map of the caller")
	})
}

var errCompose = errors.New("the model is away")

// TestComposeErrorStoresNothing checks that the caller gets the error of Compose and nothing is
// stored. A panic is such an error, and its value appears nowhere.
func TestComposeErrorStoresNothing(t *testing.T) {
	t.Parallel()
	texts := func(list ...string) func(context.Context, handover.Opening) ([]string, error) {
		return func(context.Context, handover.Opening) ([]string, error) { return list, nil }
	}
	for name, c := range map[string]struct {
		compose func(context.Context, handover.Opening) ([]string, error)
		is      error
		want    []string
	}{
		"error":     {func(context.Context, handover.Opening) ([]string, error) { return nil, errCompose }, errCompose, []string{"Config.Compose"}},
		"panic":     {func(context.Context, handover.Opening) ([]string, error) { panic("hidden words") }, nil, []string{"Config.Compose", "string"}},
		"nothing":   {texts("", " "), handover.ErrInvalid, []string{"first message"}},
		"four":      {texts("1", "2", "3", "4"), handover.ErrInvalid, []string{"Config.Compose", "4", "3", "join"}},
		"long":      {texts("1", strings.Repeat("é", 2001)), handover.ErrInvalid, []string{"text 2", "2001", "2000", "shorten"}},
		"not UTF-8": {texts("\xff"), handover.ErrInvalid, []string{"UTF-8"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log := &wiretap{}
				store := newHookedStore()
				h := newHost(t, genesystest.New(t), composing(c.compose), logging(log), func(k *handover.Config) { k.Store = store })
				_, err := h.desk.HandOver(t.Context(), handover.Customer("c1"), handover.Request{ID: "r1", Summary: "s"})
				require.Error(t, err)
				if c.is != nil {
					require.ErrorIs(t, err, c.is)
				}
				for _, want := range c.want {
					require.ErrorContains(t, err, want)
				}
				if name == "panic" {
					for _, want := range []string{"callback=Compose", "type=string", "stack=", "compose_test.go"} {
						require.Positive(t, log.count(want), want)
					}
				}
				require.Zero(t, log.count("hidden words"))
				require.NotContains(t, err.Error(), "hidden words")
				require.Zero(t, store.writes())
			})
		})
	}
}

// TestDefaultOpeningFits checks the default opening: at most three messages, first the summary,
// then the newest lines with their times, and a mark where lines were left out.
func TestDefaultOpeningFits(t *testing.T) {
	t.Parallel()
	vienna := time.FixedZone("CET", 3600)
	lines := func(n, size int) []handover.Line {
		var list []handover.Line
		for i := range n {
			at := time.Date(2026, 1, 2, 8, i, 0, 0, time.UTC).In(vienna)
			list = append(list, handover.Line{Speaker: handover.SpeakerBot, Time: at, Text: fmt.Sprint(i, " ", strings.Repeat("é", size))})
		}
		return list
	}
	for name, c := range map[string]struct {
		request handover.Request
		texts   int
		first   string // prefix of the first text
		last    string // suffix of the last text
		cut     bool
	}{
		"short":         {handover.Request{Summary: "s", Transcript: lines(2, 5)}, 2, "s", "09:01 bot: 1 ééééé", false},
		"no summary":    {handover.Request{Transcript: lines(2, 5)}, 1, "09:00 bot: 0", "09:01 bot: 1 ééééé", false},
		"long summary":  {handover.Request{Summary: strings.Repeat("w ", 2500)}, 3, "w w", "w", false},
		"endless":       {handover.Request{Summary: strings.Repeat("w ", 5000)}, 3, "w w", "[…]", true},
		"summary first": {handover.Request{Summary: strings.Repeat("w ", 5000), Transcript: lines(1, 1)}, 3, "w w", "0 é", true},
		"long lines":    {handover.Request{Summary: "s", Transcript: lines(59, 100)}, 3, "s", "é", true},
		"one huge line": {handover.Request{Transcript: lines(1, 9000)}, 1, "09:00 bot: 0", "[…]", true},
		"blank lines":   {handover.Request{Transcript: append(lines(1, 1), handover.Line{Text: " \n"})}, 1, "09:00", "é", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				h := newHost(t, org)
				c.request.ID = "r1"
				_, err := h.desk.HandOver(t.Context(), handover.Customer("c1"), c.request)
				require.NoError(t, err)
				pass(time.Minute)
				texts := agentReads(org.Conversation("c1"))
				require.Len(t, texts, c.texts)
				require.True(t, strings.HasPrefix(texts[0], c.first), texts[0])
				require.True(t, strings.HasSuffix(strings.TrimSpace(texts[len(texts)-1]), c.last))
				require.Equal(t, c.cut, strings.Contains(strings.Join(texts, "\n"), "[…]"))
				for _, text := range texts {
					require.LessOrEqual(t, utf8.RuneCountInString(text), 2000)
				}
			})
		})
	}
}

// TestRequestBeyondALimitIsInvalid checks that a request beyond a limit of Genesys or of the record
// is an ErrInvalid that names the field, the limit and the fix.
func TestRequestBeyondALimitIsInvalid(t *testing.T) {
	t.Parallel()
	attributes := func(bytes int) map[string]string { return map[string]string{"key": strings.Repeat("x", bytes-3)} }
	timers := handover.Timers{CustomerWarn: 2 * time.Minute, CustomerIdle: 10 * time.Minute}
	for name, c := range map[string]struct {
		request handover.Request
		limit   int
		want    []string // of the error; nil: no error
	}{
		"attributes at the limit":   {handover.Request{Attributes: attributes(2000)}, 0, nil},
		"attributes over the limit": {handover.Request{Attributes: attributes(2001)}, 0, []string{"Request.Attributes", "2001", "2000", "AttributesLimit"}},
		"a limit of the channel":    {handover.Request{Attributes: attributes(5000)}, 5000, nil},
		"all together": {
			handover.Request{Attributes: attributes(2000), Transcript: []handover.Line{{Text: strings.Repeat("x", 256<<10-2000)}}},
			0,
			[]string{"Request.Summary", "Transcript", "262144", "oldest"},
		},
		"no id":            {handover.Request{ID: "-"}, 0, []string{"Request.ID"}},
		"timer too short":  {handover.Request{Timers: handover.Timers{NoAgent: 300}}, 0, []string{"Request.Timers.NoAgent", "300ns", "1s"}},
		"warn after idle":  {handover.Request{Timers: handover.Timers{CustomerWarn: 10 * time.Minute}}, 0, []string{"Request.Timers.CustomerWarn", "CustomerIdle"}},
		"warn before idle": {handover.Request{Timers: handover.Timers{CustomerWarn: 9 * time.Minute}}, 0, nil},
		"idle before the channel's warn": {
			handover.Request{Timers: handover.Timers{CustomerIdle: time.Minute}}, 0, []string{"Request.Timers.CustomerWarn", "CustomerIdle", "2m0s", "1m0s"},
		},
		"warn, and idle off":  {handover.Request{Timers: handover.Timers{CustomerWarn: time.Hour, CustomerIdle: -1}}, 0, nil},
		"both by the request": {handover.Request{Timers: handover.Timers{CustomerWarn: 15 * time.Minute, CustomerIdle: 20 * time.Minute}}, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				h := newHost(t, genesystest.New(t), timed(timers), func(k *handover.Config) {
					k.Store, k.Channel.AttributesLimit = store, c.limit
				})
				c.request.Summary = "s"
				switch c.request.ID {
				case "":
					c.request.ID = "r1"
				case "-":
					c.request.ID = ""
				}
				_, err := h.desk.HandOver(t.Context(), handover.Customer("c1"), c.request)
				if c.want == nil {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, handover.ErrInvalid)
				for _, want := range c.want {
					require.ErrorContains(t, err, want)
				}
				require.Zero(t, store.writes())
			})
		})
	}
}

// TestHandOverCompletesTheTimersOfOpen checks that the timers of a HandOver are validated
// together with those of the Open before it.
func TestHandOverCompletesTheTimersOfOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, genesystest.New(t), timed(handover.Timers{CustomerIdle: 3 * time.Minute}))
		key := handover.Customer("c1")
		_, err := h.desk.Open(t.Context(), key, handover.Request{ID: "o1", Summary: "s", Timers: handover.Timers{CustomerIdle: 10 * time.Minute}})
		require.NoError(t, err)
		ask := func(id string, warn time.Duration) error {
			_, err := h.desk.HandOver(t.Context(), key, handover.Request{ID: id, Summary: "s", Timers: handover.Timers{CustomerWarn: warn}})
			return err
		}
		require.ErrorIs(t, ask("r1", 10*time.Minute), handover.ErrInvalid)
		require.Equal(t, handover.StateBot, h.session(t, "c1").State)
		require.NoError(t, ask("r2", 5*time.Minute))
	})
}
