package main

import (
	"bytes"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// In virtual time, the output has the whole conversation in this order.
func TestPlay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		require.NoError(t, play(t.Context(), newStory(&out)))
		require.Contains(t, out.String(), "Genesys notifications: connected")
		rest := out.String()
		for _, want := range []string{
			"bot       → customer  We are open from 9 to 17",
			"requested  the bot asked for an agent",
			"customer  → agents    It is about invoice 4711.",
			"waits in the queue Support, for about 2m0s",
			"it rings at Ann", "Ann declined", "it rings at Ben", "Ben joined",
			"agent     → customer  Hello Ada, I am Ben.",
			"agent     → customer  [file]",
			"customer  → agents    And please be quick.",
			"Ben left", "Ben transferred it: Support → Billing", "Cleo joined",
			"customer  → agents    Are you open on Sundays?",
			"Cleo left", "ended by agent Cleo: the conversation went back to the bot queue",
			"back with the bot, ended by agent",
			"customer  → bot       Are you open on Sundays?   (was left unanswered)",
			"bot       → customer  We are open from 9 to 17",
			"bot       → customer  You are welcome.",
			"What Explain tells", "Ben is there", "ended by the agent",
			"Done.",
		} {
			_, after, ok := strings.Cut(rest, want)
			require.True(t, ok, "%q is missing after what came before it, in\n%s", want, out.String())
			rest = after
		}
	})
}

func TestSettings(t *testing.T) {
	t.Parallel()
	all := map[string]string{
		"GENESYS_REGION": "eu-west-1", "GENESYS_CLIENT_ID": "client", "GENESYS_CLIENT_SECRET": "very-secret",
		"GENESYS_INTEGRATION_ID": "integration", "GENESYS_WEBHOOK_SECRET": strings.Repeat("s", 32), "GENESYS_AGENT_QUEUE": "Support",
	}
	without := func(names ...string) func(string) string {
		return func(name string) string {
			if slices.Contains(names, name) {
				return ""
			}
			return all[name]
		}
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		_, live, err := settingsFrom(func(string) string { return "" })
		require.NoError(t, err)
		require.False(t, live)
	})
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		s, live, err := settingsFrom(without())
		require.NoError(t, err)
		require.True(t, live)
		require.Equal(t, "Support", s.channel.AgentQueue)
	})
	for name := range all {
		t.Run("without "+name, func(t *testing.T) {
			t.Parallel()
			_, _, err := settingsFrom(without(name))
			require.ErrorContains(t, err, name)
			require.NotContains(t, err.Error(), "very-secret")
		})
	}
	t.Run("a region that is none", func(t *testing.T) {
		t.Parallel()
		_, _, err := settingsFrom(func(name string) string {
			if name == "GENESYS_REGION" {
				return "eu-west-9"
			}
			return all[name]
		})
		require.ErrorContains(t, err, "GENESYS_REGION")
	})
}

// The same code over a real socket, as with a real organization.
func TestRelay(t *testing.T) {
	t.Parallel()
	org := genesystest.New(t)
	ann := org.Agent("Ann", "Support")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	org.DeliverToURL("http://" + l.Addr().String() + "/genesys")

	typed, types := io.Pipe()
	out := &lockedBuffer{}
	var wg sync.WaitGroup
	wg.Go(func() {
		require.NoError(t, relay(t.Context(), l, org.Channel(), newStory(out), typed, genesys.WithHTTPClient(org.HTTPClient())))
	})
	_, err = io.WriteString(types, "Hello\n\nWhy was I billed twice?\n")
	require.NoError(t, err)
	chat := ann.Wait(t).Accept()
	chat.Say("Let me look.")
	genesystest.Until(t, func() bool { return strings.Contains(out.String(), "agent     → customer  Let me look.") })
	require.NoError(t, types.Close())
	wg.Wait()
	require.Contains(t, out.String(), "bot       → customer  Hello!")
}

// lockedBuffer is a buffer that is safe for concurrent use.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
