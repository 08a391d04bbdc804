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

	channel := org.Channel()
	clientID, clientSecret, integrationID = channel.ClientID, channel.ClientSecret.Reveal(), channel.IntegrationID
	webhookSecret = channel.WebhookSecrets[0].Reveal()
	answers := make(chan string, 1)
	deliver = func(_ context.Context, d handover.Delivery) error {
		answers <- d.Message.Text
		return nil
	}
	desk, err := serve(ctx, mux, genesys.WithHTTPClient(org.HTTPClient()))
	if err != nil {
		fmt.Println(err)
		return
	}
	customer := handover.Customer("ada")
	for id, text := range []string{"Hello.", "I want to talk to a person."} {
		if err := message(ctx, desk, customer, fmt.Sprint(id), text); err != nil {
			fmt.Println(err)
			return
		}
		turn, err := desk.Turn(ctx, customer)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("turn:", turn)
	}
	offer, err := ann.Next(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	chat := offer.Accept()
	chat.Say("Let me look.")
	fmt.Println("agent:", <-answers)
	// Output:
	// turn: bot
	// turn: agent
	// agent: Let me look.
}

// The names of the host in the quick start.
//
//nolint:gochecknoglobals // so that the quick start has no more parameters than it needs
var (
	clientID, clientSecret, integrationID, webhookSecret string

	deliver func(context.Context, handover.Delivery) error
	resume  = func(context.Context, handover.Return) error { return nil } // a bot answers Unanswered, with Reply
	say     = func(context.Context) error { return nil }
)

func wantsPerson(text string) bool { return strings.Contains(text, "person") }

func transcript(id, text string) []handover.Line {
	return []handover.Line{{ID: id, Speaker: handover.SpeakerCustomer, Text: text}}
}

// quick start: begin

func serve(ctx context.Context, mux *http.ServeMux, options ...genesys.Option) (*handover.Manager, error) {
	desk, err := handover.New(handover.Config{
		Channel: handover.Channel{
			Region: region.EUWest1, ClientID: clientID, ClientSecret: handover.NewSecret(clientSecret),
			IntegrationID: integrationID, WebhookSecrets: []handover.Secret{handover.NewSecret(webhookSecret)},
			BotQueue: "Bot", AgentQueue: "Support",
		},
		Deliver:       deliver, // agent → customer
		Return:        resume,  // agent → bot, with the messages that no agent answered
		ClientOptions: options, // none in production; a fake Genesys in tests
	})
	if err == nil {
		mux.Handle("POST /genesys", webhook.NewHandler(desk, desk.Receive))
		go desk.Run(ctx)
	}
	return desk, err
}

// message handles a message of the customer. After an error, call it again with the same id.
func message(ctx context.Context, desk *handover.Manager, customer handover.Key, id, text string) error {
	if turn, err := desk.Forward(ctx, customer, handover.Text(id, text)); err != nil || turn == handover.TurnAgent {
		return err // nil: the message is stored, for the agents or the next Return
	}
	if wantsPerson(text) {
		_, err := desk.HandOver(ctx, customer, handover.Request{ID: id, Transcript: transcript(id, text)})
		return err
	}
	_, err := desk.Reply(ctx, customer, handover.Text(id, text), say) // say sends the bot's answer
	return err
}

// quick start: end

// The README shows what the Example runs, to the byte.
func TestReadmeQuickStartIsTheExample(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	code := between(t, string(source), "\n// quick start: begin\n\n", "\n// quick start: end\n")
	shown := between(t, string(readme), "<!-- quick start: begin -->\n```go\n", "```\n<!-- quick start: end -->")
	require.Equal(t, code, shown)
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
