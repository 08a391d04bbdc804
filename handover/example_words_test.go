package handover_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// How long is the wait, and is anybody there? Unknown is neither.
func ExampleManager_Availability() {
	org, _ := genesystest.Start()
	defer func() { _ = org.Close() }()
	org.Agent("Ann", "Support")
	org.Queue("Support").SetEstimatedWait(3 * time.Minute)
	desk, err := handover.New(handover.Config{
		Channel:       org.Channel(),
		Deliver:       func(context.Context, handover.Delivery) error { return nil },
		Return:        func(context.Context, handover.Return) error { return nil },
		ClientOptions: []genesys.Option{genesys.WithHTTPClient(org.HTTPClient())},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := desk.Availability(context.Background(), "", "Support")
	switch {
	case err != nil:
		fmt.Println(err)
	case a.Agents != nil && *a.Agents == 0:
		fmt.Println("Nobody is there just now. Shall we call you back?")
	case a.Wait != nil:
		fmt.Println("I am asking a colleague, which takes about", a.Wait)
	default:
		fmt.Println("I am asking a colleague.")
	}
	// Output: I am asking a colleague, which takes about 3m0s
}

// A support engineer looks up what happened to a customer.
func ExampleManager_Explain() {
	org, _ := genesystest.Start()
	defer func() { _ = org.Close() }()
	desk, err := handover.New(handover.Config{
		Channel:       org.Channel(),
		Deliver:       func(context.Context, handover.Delivery) error { return nil },
		Return:        func(context.Context, handover.Return) error { return nil },
		ClientOptions: []genesys.Option{genesys.WithHTTPClient(org.HTTPClient())},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	customer := handover.Customer("c1")
	_, err = desk.HandOver(context.Background(), customer, handover.Request{ID: "r1", Summary: "wants a refund"})
	if err != nil {
		fmt.Println(err)
		return
	}
	story, err := desk.Explain(context.Background(), customer)
	fmt.Println(withoutTimes(story), err)
	// Output:
	// session …, channel genesys, as of … UTC
	//   state         requested since …
	//   started       …
	//   conversation  none yet
	//   queue         Support
	//   turn          agent
	//
	// what happened
	//   …
	//   …  a session began, an agent was asked for
	//
	// what waits
	//   to Genesys: 1 × the opening, since …
	//
	// what comes next
	//   now  the opening is sent to Genesys
	//   …  the session ends, however it stands (Timers.Max)
	//  <nil>
}

// withoutTimes makes an example's output the same every time.
func withoutTimes(story string) string {
	return regexp.MustCompile(`(\d{4}-\d\d-\d\d ?)?(\d\d:\d\d:\d\d)|\d{4}-\d\d-\d\d|[a-z2-7]{12},`).ReplaceAllStringFunc(story, func(s string) string {
		if strings.HasSuffix(s, ",") {
			return "…,"
		}
		return "…"
	})
}
