package scenario_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestAttachmentsAreSeparateMessages checks that each attachment is a separate message after
// the text, from the agent and from the customer.
func TestAttachmentsAreSeparateMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		id := chat.Attach("application/pdf", "bill.pdf", []byte("%PDF"))
		h.until(t, 1)
		d := h.delivered()[0]
		require.Equal(t, id, d.ID)
		require.Len(t, d.Message.Content, 1)
		file, ok := d.Message.Content[0].(openmessaging.Attachment)
		require.True(t, ok)
		require.Equal(t, "bill.pdf", file.Filename)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, file.URL, http.NoBody)
		require.NoError(t, err)
		res, err := org.HTTPClient().Do(r)
		require.NoError(t, err)
		defer func() { require.NoError(t, res.Body.Close()) }()
		got, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, "%PDF", string(got))

		_, err = h.desk.Forward(t.Context(), handover.Customer("c1"), handover.Message{
			ID: "m1", Text: "see here", Attachments: []openmessaging.Attachment{
				{URL: "https://files.example/a.png", MIME: "image/png"}, {URL: "https://files.example/b.png", MIME: "image/png"},
			},
		})
		require.NoError(t, err)
		pass(time.Minute)
		require.Equal(t, []string{"https://files.example/a.png", "https://files.example/b.png"}, chat.Attachments())
		all := chat.Conversation().Transcript()
		require.Equal(t, "see here", all[len(all)-3].Text)
		require.Len(t, posts(t, org), 4)
	})
}

// TestOnlyTheFailedPartIsSentAgain checks that only the failed part of a message is sent again.
func TestOnlyTheFailedPartIsSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.WithDeduplication())
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		long := strings.Repeat("a", 2000) + strings.Repeat("b", 2000) + "c"
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Delay: time.Millisecond})
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Status: http.StatusBadGateway, After: true})
		h.says(t, "c1", "m1", long, handover.TurnAgent)
		pass(time.Minute)
		require.Equal(t, long, strings.Join(chat.Texts()[1:], ""))
		require.Len(t, chat.Texts(), 4)
		sent := posts(t, org)[1:]
		require.Len(t, sent, 4)
		require.Equal(t, sent[1].Channel, sent[2].Channel)
		require.Less(t, sent[0].Channel.Time, sent[1].Channel.Time)
		require.Less(t, sent[2].Channel.Time, sent[3].Channel.Time)
	})
}

// TestAnswerToAQuickReplyIsAReply checks that the answer to a quick reply joins the
// conversation as a reply.
func TestAnswerToAQuickReplyIsAReply(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		id := chat.QuickReplies("Which one?", "Red", "Blue")
		h.until(t, 1)
		d := h.delivered()[0]
		require.Equal(t, "Which one?", d.Message.Text)
		require.Len(t, d.Message.Content, 2)
		turn, err := h.desk.Forward(t.Context(), handover.Customer("c1"), handover.Message{ID: "m1", Answer: &handover.Answer{
			InReplyTo: id, Kind: openmessaging.ReplyQuickReply, Text: "Blue", Payload: "Blue",
		}})
		require.NoError(t, err)
		require.Equal(t, handover.TurnAgent, turn)
		genesystest.Until(t, func() bool { return len(chat.Texts()) == 2 })
		require.Equal(t, []string{"summary r-c1", "Blue"}, chat.Texts())
		require.Len(t, requests(org, "openmessaging.reply"), 1)
		pass(2 * time.Second)
		chat.End()
		h.until(t, 2)
		require.Equal(t, "back: agent []", h.lines()[1])
	})
}

// TestOpeningContainsTheWholeRequest checks that the opening contains attributes, customer,
// summary and transcript, in order.
func TestOpeningContainsTheWholeRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ann, h := hosted(t)
		_, err := h.desk.HandOver(t.Context(), handover.Customer("c1"), handover.Request{
			ID: "r1", Summary: "About a bill.", Attributes: map[string]string{"tier": "gold"},
			Customer: openmessaging.Customer{Nickname: "Kim"},
			Transcript: []handover.Line{
				{Speaker: handover.SpeakerCustomer, Text: "my bill"}, {Speaker: handover.SpeakerBot, Text: "which?"},
			},
		})
		require.NoError(t, err)
		chat := ann.Wait(t).Accept()
		require.Equal(t, []string{"About a bill.", "customer: my bill\nbot: which?"}, chat.Texts())
		require.Equal(t, map[string]string{"tier": "gold"}, chat.Attributes())
		require.Equal(t, "Kim", chat.Conversation().Transcript()[0].Name)
	})
}

// TestTypingIsSentInBothDirections checks that typing is sent to Genesys at most once in 5 s,
// and that the agent's typing is reported to the host.
func TestTypingIsSentInBothDirections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann, h := hosted(t)
		types := func() { require.NoError(t, h.desk.Typing(t.Context(), handover.Customer("c1"))) }
		types()
		require.Empty(t, requests(org, "openmessaging.typing"), "there is no agent to see it")
		chat := h.connected(t, "c1", ann)
		pass(time.Minute)
		for range 12 {
			types()
			pass(time.Second)
		}
		require.Len(t, requests(org, "openmessaging.typing"), 3)
		require.True(t, chat.CustomerTyping())
		chat.Type()
		pass(time.Second)
		h.mu.Lock()
		heard := len(h.typing)
		h.mu.Unlock()
		require.Equal(t, 1, heard)
		chat.End()
		h.until(t, 1)
		types()
		require.Len(t, requests(org, "openmessaging.typing"), 3, "it would revive the conversation")
		require.Equal(t, "ended", chat.Conversation().Phase())
	})
}

// TestReceiptsFollowTheChannel checks that Channel.Receipts selects the receipts that are sent.
func TestReceiptsFollowTheChannel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		receipts handover.Receipts
		status   string
		requests int
	}{
		{handover.ReceiptsAll, "Delivered", 2},
		{handover.ReceiptsFailures, "Sent", 1},
	} {
		t.Run("receipts "+string(c.receipts), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, _, h, chat := talking(t, func(k *handover.Config) { k.Channel.Receipts = c.receipts })
				good := chat.Say("one")
				h.until(t, 1)
				h.failing(undeliverable)
				bad := chat.Say("two")
				pass(time.Minute)
				require.Equal(t, c.status, chat.Status(good))
				require.Equal(t, "Failed", chat.Status(bad))
				require.Len(t, requests(org, "openmessaging.receipt"), c.requests)
			})
		})
	}
}

// TestFailedReceiptIsSentLater checks that a delivered receipt that failed is stored and sent
// later, and that the message is not delivered again.
func TestFailedReceiptIsSentLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		org.Inject(genesystest.Fault{Op: "openmessaging.receipt", Status: http.StatusServiceUnavailable, Times: 3})
		id := chat.Say("one")
		h.until(t, 1)
		require.Equal(t, "Delivered", chat.Status(id))
		require.Equal(t, 1, h.tries("agent: one"))
	})
}

// TestInvalidInputIsNotStored checks that invalid input is not stored, and that the error names
// field and limit.
func TestInvalidInputIsNotStored(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300)
	key := handover.Customer("c1")
	for _, c := range []struct {
		name string
		do   func(h *host) error
		want []string
	}{
		{"no message id", forwarding(key, handover.Message{Text: "x"}), []string{"Message.ID"}},
		{"long message id", forwarding(key, handover.Text(long, "x")), []string{"Message.ID", "300", "256"}},
		{"empty message", forwarding(key, handover.Message{ID: "m"}), []string{"no Text"}},
		{"too much text", forwarding(key, handover.Text("m", strings.Repeat("x", handover.MaxMessage+1))), []string{"Message.Text", "65536"}},
		{"not UTF-8", forwarding(key, handover.Text("m", "\xff")), []string{"Message.Text", "UTF-8"}},
		{"attachment without a url", forwarding(key, handover.Message{
			ID: "m", Attachments: []openmessaging.Attachment{{MIME: "image/png"}},
		}), []string{"Message.Attachments[0].URL"}},
		{"answer and text", forwarding(key, handover.Message{ID: "m", Text: "x", Answer: &handover.Answer{}}), []string{"Message.Answer"}},
		{"answer to nothing", forwarding(key, handover.Message{ID: "m", Answer: &handover.Answer{
			Kind: openmessaging.ReplyButton, Text: "Yes", Payload: "yes",
		}}), []string{"Message.Answer.InReplyTo"}},
		{"no customer", forwarding(handover.Customer(""), handover.Text("m", "x")), []string{"Key.Customer"}},
		{"long customer", forwarding(handover.Customer(long), handover.Text("m", "x")), []string{"Key.Customer", "300", "256"}},
		{"control character", forwarding(handover.Customer("a\x01"), handover.Text("m", "x")), []string{"Key.Customer", "control"}},
		{"another channel", forwarding(handover.Key{Channel: "other", Customer: "c1"}, handover.Text("m", "x")), []string{"Key.Channel"}},
		{"no request id", asking(handover.Request{Summary: "s"}), []string{"Request.ID"}},
		{"no text for the agent", asking(handover.Request{ID: "r"}), []string{"Summary", "Transcript"}},
		{"too much for the agent", asking(handover.Request{ID: "r", Summary: strings.Repeat("x", 256<<10+1)}), []string{"262144", "Summary"}},
		{"unknown reason", func(h *host) error { return h.desk.End(h.ctx(), key, "tired") }, []string{"EndReason", "tired"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				store := newHookedStore()
				h := newHost(t, org, func(k *handover.Config) { k.Store = store })
				h.connected(t, "c1", org.Agent("Ann", "Support"))
				pass(time.Minute)
				written, sent := store.writes(), len(posts(t, org))
				err := c.do(h)
				require.ErrorIs(t, err, handover.ErrInvalid)
				for _, word := range c.want {
					require.ErrorContains(t, err, word)
				}
				synctest.Wait()
				require.Equal(t, written, store.writes())
				require.Len(t, posts(t, org), sent)
			})
		})
	}
}

func forwarding(k handover.Key, m handover.Message) func(*host) error {
	return func(h *host) error {
		turn, err := h.desk.Forward(h.ctx(), k, m)
		if err != nil && turn != "" {
			return errors.New("a turn in spite of the error")
		}
		return err
	}
}

func asking(r handover.Request) func(*host) error {
	return func(h *host) error {
		_, err := h.desk.HandOver(h.ctx(), handover.Customer("c1"), r)
		return err
	}
}
