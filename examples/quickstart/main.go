// Quickstart hands a bot conversation over to a live agent and takes it back.
//
// Without settings it plays a whole conversation against a fake Genesys Cloud in memory. With
// GENESYS_REGION, GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET, GENESYS_INTEGRATION_ID,
// GENESYS_WEBHOOK_SECRET and GENESYS_AGENT_QUEUE it uses a real organization: it serves the
// integration's webhook and reads the customer's messages from standard input. The settings are
// described in docs/setup.md.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Getenv)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, getenv func(string) string) error {
	s, live, err := settingsFrom(getenv)
	if err != nil {
		return err
	}
	story := newStory(os.Stdout)
	if live {
		return runLive(ctx, s, story, os.Stdin)
	}
	return play(ctx, story)
}
