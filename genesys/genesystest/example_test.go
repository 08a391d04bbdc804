package genesystest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// A program runs the fake in real time. It sends requests without a network, or from any language
// through Handler.
func ExampleStart() {
	ctx := context.Background()
	org, err := genesystest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = org.Close() }()

	res, err := org.HTTPClient().Do(tokenRequest(ctx, org))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	fmt.Println(res.StatusCode, org.Requests()[0].Op)
	// Output: 200 oauth.token
}

func tokenRequest(ctx context.Context, org *genesystest.Org) *http.Request {
	c := org.Channel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Region.Login()+"/oauth/token",
		strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(c.ClientID, c.ClientSecret.Reveal())
	return r
}

// A flow can route by an attribute that the bot sends, so that no transfer is needed.
func ExampleRouteByAttribute() {
	flow := genesystest.RouteByAttribute("queue", "Bot")
	fmt.Println(flow(genesystest.Arrival{Attributes: map[string]string{"queue": "Billing"}}))
	fmt.Println(flow(genesystest.Arrival{}))
	// Output:
	// Billing
	// Bot
}
