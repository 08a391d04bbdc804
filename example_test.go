package genesyshandover_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// The README's quick start, against the fake instead of Genesys Cloud.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	org, err := genesystest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = org.Close() }()
	ann := org.Agent("Ann", "Support")
	mux := http.NewServeMux()
	org.DeliverTo(mux, "/genesys")

	answers := make(chan string, 1)
	var turn handover.Turn
	var state handover.State
	err = quickStart(ctx, mux, org, answers, func(t handover.Turn, s handover.Session) { turn, state = t, s.State })
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("bot or agent:", turn)
	fmt.Println("now:", state)
	offer, err := ann.Next(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	chat := offer.Accept()
	chat.Say("Let me look.")
	fmt.Println("agent:", <-answers)
	// Output:
	// bot or agent: bot
	// now: requested
	// agent: Let me look.
}

func quickStart(
	ctx context.Context, mux *http.ServeMux, org *genesystest.Org, answers chan<- string, see func(handover.Turn, handover.Session),
) error {
	channel := org.Channel()
	clientID, clientSecret, integrationID := channel.ClientID, channel.ClientSecret.Reveal(), channel.IntegrationID
	webhookSecret := channel.WebhookSecrets[0].Reveal()
	deliver := func(_ context.Context, d handover.Delivery) error {
		answers <- d.Message.Text
		return nil
	}
	resume := func(context.Context, handover.Return) error { return nil }
	options := []genesys.Option{genesys.WithHTTPClient(org.HTTPClient())}
	customer, id, text := handover.Customer("ada"), "1", "I want to talk to a person."
	lines := []handover.Line{{ID: id, Speaker: handover.SpeakerCustomer, Text: text}}
	say := func(context.Context) error { return nil }

	// quick start: begin
	desk, err := handover.New(handover.Config{
		Channel: handover.Channel{
			Region:         region.EUWest1,
			ClientID:       clientID,
			ClientSecret:   handover.NewSecret(clientSecret),
			IntegrationID:  integrationID,
			WebhookSecrets: []handover.Secret{handover.NewSecret(webhookSecret)},
			BotQueue:       "Bot",
			AgentQueue:     "Support",
		},
		Deliver:       deliver, // agent → customer
		Return:        resume,  // agent → bot, with the messages that no agent answered
		ClientOptions: options, // none in production; a fake Genesys in tests
	})
	if err != nil {
		return err
	}
	mux.Handle("POST /genesys", webhook.NewHandler(desk, desk.Receive))
	go desk.Run(ctx)

	// For every message of the customer: if the bot has the turn, Reply sends its answer.
	turn, err := desk.Forward(ctx, customer, handover.Text(id, text))
	if err == nil && turn == handover.TurnBot {
		turn, err = desk.Reply(ctx, customer, handover.Text(id, text), say)
	}
	if err != nil {
		return err
	}
	// When the bot cannot help.
	session, err := desk.HandOver(ctx, customer, handover.Request{ID: id, Transcript: lines})
	// quick start: end
	see(turn, session)
	return err
}

// The README shows what the Example runs, to the byte.
func TestReadmeQuickStartIsTheExample(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	code := between(t, string(source), "\t// quick start: begin\n", "\t// quick start: end\n")
	shown := between(t, string(readme), "<!-- quick start: begin -->\n```go\n", "```\n<!-- quick start: end -->")
	require.Equal(t, strings.ReplaceAll("\n"+code, "\n\t", "\n"), "\n"+shown)
	require.LessOrEqual(t, strings.Count(shown, "\n"), 30)
}

func between(t *testing.T, s, begin, end string) string {
	t.Helper()
	_, s, ok := strings.Cut(s, begin)
	require.True(t, ok, "no %q", begin)
	s, _, ok = strings.Cut(s, end)
	require.True(t, ok, "no %q", end)
	return s
}
