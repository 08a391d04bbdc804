package scenario_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// another creates a notification channel, as another program with the same OAuth client does.
func (s *stage) another() {
	s.t.Helper()
	c, err := s.desk.Client(s.t.Context(), "")
	require.NoError(s.t, err)
	require.NoError(s.t, c.Do(s.t.Context(), genesys.Request{
		Op: "notifications.channels.create", Method: http.MethodPost, Path: []string{"notifications", "channels"},
	}, nil))
}

// socketReportsEnd checks that the socket reports the end of a handover. With a live source the
// next poll is minutes away.
func (s *stage) socketReportsEnd(request string) {
	s.t.Helper()
	chat := s.with(request)
	pass(10 * time.Minute)
	n := len(s.returned())
	chat.End()
	pass(10 * time.Second)
	require.Len(s.t, s.returned(), n+1, "the socket reported the end")
}

func TestAcceptanceOfSockets(t *testing.T) {
	t.Parallel()
	pains(t, map[string]pain{
		"notification channels die after a day": {play: func(s *stage) {
			bySocket(s)
			for day := range 4 {
				s.socketReportsEnd(fmt.Sprint("h", day))
				pass(25 * time.Hour)
			}
			require.Equal(s.t, 1, s.org.Sockets())
			s.socketReportsEnd("last")
		}},
		"a handover that lasts longer than the channel is never ended": {
			config: func(c *handover.Config) { c.Channel.Timers.Max = -1 },
			play: func(s *stage) {
				bySocket(s)
				chat := s.with("h1")
				pass(49 * time.Hour)
				chat.End()
				s.over(handover.EndByAgent)
			},
		},
		"a 21st channel evicts the one that is listened to": {play: func(s *stage) {
			bySocket(s)
			s.socketReportsEnd("h1")
			for range 20 {
				s.another()
			}
			pass(5 * time.Minute)
			require.Equal(s.t, 1, s.org.Sockets(), "there is a new one")
			s.socketReportsEnd("h2")
		}},
		"sockets and topics run out": {play: func(s *stage) {
			s.listens(s.t.Context(), s.t, s.org)
			s.ann.GoOffQueue()
			for i := range 50 {
				s.handOver(s.t, fmt.Sprint("waits", i), "h1")
				pass(5 * time.Second)
			}
			require.Len(s.t, requests(s.org, "notifications.channels.create"), 1, "one channel")
			require.Len(s.t, requests(s.org, "notifications.subscriptions.replace"), 1, "and one topic, for all conversations of a queue")
		}},
	})
}

func TestAcceptanceOfSetup(t *testing.T) {
	t.Parallel()
	pains(t, map[string]pain{
		"bad credentials are asked for a token in a loop": {
			config: func(c *handover.Config) { c.Channel.ClientSecret = handover.NewSecret("wrong-secret-of-somebody-else") },
			play: func(s *stage) {
				_, err := s.desk.HandOver(s.t.Context(), handover.Customer("c1"), handover.Request{ID: "h1", Summary: "s"})
				require.ErrorIs(s.t, err, genesys.ErrUnauthorized, "reported to the caller")
				pass(time.Hour)
				require.LessOrEqual(s.t, len(requests(s.org, "oauth.token")), 3)
				require.Equal(s.t, handover.TurnBot, s.turn(s.t, "c1"))
			},
		},
		"a secret that is revoked stops the service": {play: func(s *stage) {
			chat := s.with("h1")
			tokens := len(requests(s.org, "oauth.token"))
			s.org.RevokeClient()
			s.says(s.t, "c1", "m1", "hello?", handover.TurnAgent)
			pass(time.Minute)
			chat.Say("Are you there?") // webhooks need no token
			pass(time.Minute)
			require.Equal(s.t, []string{"agent: Are you there?"}, s.lines())
			pass(time.Hour)
			require.LessOrEqual(s.t, len(requests(s.org, "oauth.token"))-tokens, 200, "some three a minute")
			require.Equal(s.t, "back: failed [hello?]", s.lines()[1])
			_, err := s.desk.Turn(s.t.Context(), handover.Customer("c1"))
			require.NoError(s.t, err, "the host continues")
		}},
	})
}

// TestAcceptanceOfTenantsInOneOrganisation checks that tenants of one organisation do not
// affect each other. Signals contain only a conversation id, and the program of each tenant
// receives all signals.
func TestAcceptanceOfTenantsInOneOrganisation(t *testing.T) {
	t.Parallel()
	for _, programs := range []int{1, 2} {
		t.Run(fmt.Sprint("the events of one tenant end another's chat, programs: ", programs), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t)
				shop, bank := org.AddIntegration("shop"), org.AddIntegration("bank")
				tenants := map[string]handover.Channel{"shop": shop.Channel(), "bank": bank.Channel()}
				hosts := map[string]*host{}
				for id := range tenants {
					if programs == 1 && len(hosts) == 1 {
						for _, h := range hosts {
							hosts[id] = h
						}
						continue
					}
					hosts[id] = buildHost(t, org, func(c *handover.Config) {
						c.Channel = handover.Channel{}
						c.Channels = func(_ context.Context, id string) (handover.Channel, error) { return tenants[id], nil }
					})
					hosts[id].run(t.Context())
					org.Signal(hosts[id].desk.Recheck)
				}
				state := func(id string) handover.State {
					s, err := hosts[id].desk.Session(t.Context(), handover.Key{Channel: id, Customer: "c1"})
					require.NoError(t, err)
					return s.State
				}
				chats := map[string]*genesystest.Desk{}
				for id, i := range map[string]*genesystest.Integration{"shop": shop, "bank": bank} {
					mux := http.NewServeMux()
					mux.Handle("POST /genesys/{channel}", webhook.NewHandler(hosts[id].desk, hosts[id].desk.Receive))
					i.DeliverTo(mux, "/genesys/"+id)
					key := handover.Key{Channel: id, Customer: "c1"}
					_, err := hosts[id].desk.HandOver(t.Context(), key, handover.Request{ID: "h1", Summary: id})
					require.NoError(t, err)
					chats[id] = ann.Wait(t).Accept()
					genesystest.Until(t, func() bool { return state(id) == handover.StateConnected })
				}
				pass(10 * time.Minute)
				chats["shop"].End()
				genesystest.Until(t, func() bool { return state("shop") == handover.StateEnded })
				pass(time.Hour)
				require.Equal(t, handover.StateConnected, state("bank"))
				chats["bank"].Say("Still here")
				pass(time.Second)
				got := hosts["bank"].delivered()
				require.Len(t, got, 1)
				require.Equal(t, handover.Key{Channel: "bank", Customer: "c1"}, got[0].Session.Key)
			})
		})
	}
}
