package scenario_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// toSales is a flow that routes every conversation to the queue Sales.
func toSales(genesystest.Arrival) string { return "Sales" }

// TestMisroutedIsReportedOnce checks a Channel.BotQueue that exists, while the flow uses another
// queue. The first read that shows it leads to one notice with the queue's name and the fix, and
// the conversation does not count as waiting for agents.
func TestMisroutedIsReportedOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault []genesystest.Fault
		named bool
	}{
		"with its name":                      {nil, true},
		"with its id if the name is refused": {[]genesystest.Fault{{Op: "routing.queues.get", Status: http.StatusForbidden, Times: -1}}, false},
		"with its id if Genesys fails":       {[]genesystest.Fault{{Op: "routing.queues.get", Status: 503, Times: -1}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t, genesystest.WithFlow(toSales), genesystest.AllowErrors())
				sales := org.Queue("Sales")
				h := newHost(t, org, func(c *handover.Config) { c.Channel.Timers.NoAgent = 5 * time.Minute })
				for _, f := range test.fault {
					org.Inject(f)
				}
				h.handOver(t, "c1", "r1")
				genesystest.Until(t, func() bool { return len(h.noticed(handover.NoticeMisrouted)) == 1 })
				n := h.noticed(handover.NoticeMisrouted)[0]
				require.Equal(t, sales.ID(), n.To)
				require.Equal(t, test.named, strings.Contains(n.Detail, `"Sales"`), n.Detail)
				require.Equal(t, test.named, !strings.Contains(n.Detail, sales.ID()), n.Detail)
				require.Contains(t, n.Detail, "Channel.BotQueue")
				require.Contains(t, n.Detail, "docs/setup.md#step-5")
				require.LessOrEqual(t, len(requests(org, "conversations.get")), 2)
				pass(4 * time.Minute)
				require.Len(t, h.noticed(handover.NoticeMisrouted), 1)
				require.Empty(t, h.noticed(handover.NoticeQueued))
				require.Empty(t, requests(org, "conversations.transferToQueue"))
				require.Equal(t, handover.StateRequested, h.session(t, "c1").State)
				require.LessOrEqual(t, len(requests(org, "conversations.get")), 15, "it is polled like one that waits")
				require.LessOrEqual(t, len(requests(org, "routing.queues.get")), 1)
				story, err := h.desk.Explain(t.Context(), handover.Customer("c1"))
				require.NoError(t, err)
				require.Contains(t, story, "misrouted")
				pass(2 * time.Minute)
				require.Equal(t, handover.EndNoAgent, h.session(t, "c1").Ending.Reason)
				pass(time.Minute)
				require.Equal(t, "ended", org.Conversation("c1").Phase())
			})
		})
	}
}

// TestMisroutedUntilItIsMoved checks that a session continues after a supervisor moves the
// conversation into the right queue.
func TestMisroutedUntilItIsMoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithFlow(toSales))
		org.Queue("Sales")
		ann, sam := org.Agent("Ann", "Support"), org.Agent("Sam")
		h := newHost(t, org)
		h.handOver(t, "c1", "r1")
		genesystest.Until(t, func() bool { return len(h.noticed(handover.NoticeMisrouted)) == 1 })
		org.Agent("Sam", "Sales")
		sam.Wait(t).Accept().TransferTo("Support")
		chat := ann.Wait(t).Accept()
		pass(time.Minute)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
		require.Equal(t, "Ann", h.session(t, "c1").Agent.Name)
		chat.End()
		h.until(t, 1)
		require.Equal(t, []string{"back: agent []"}, h.lines())
	})
}

// TestBotQueueIsLearned checks that, without Channel.BotQueue, the queue that the flow uses is the
// bot queue, regardless of its name.
func TestBotQueueIsLearned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithFlow(toSales))
		org.Queue("Sales")
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org, func(c *handover.Config) { c.Channel.BotQueue = "" })
		chat := h.connected(t, "c1", ann)
		require.Empty(t, h.noticed(handover.NoticeMisrouted))
		pass(time.Minute)
		chat.TransferTo("Sales")
		h.until(t, 1)
		require.Equal(t, []string{"back: agent []"}, h.lines())
	})
}

// TestThreeRefusedTransfersClose checks that, if Genesys refuses every transfer, the session is
// refused after the third one, and the conversation does not remain in the bot queue.
func TestThreeRefusedTransfersClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		org.Agent("Ann", "Support")
		org.Inject(genesystest.Fault{Op: "conversations.transferToQueue", Status: http.StatusBadRequest, Times: -1})
		h := newHost(t, org)
		h.handOver(t, "c1", "r1")
		h.until(t, 1)
		require.Equal(t, []string{"back: refused []"}, h.lines())
		require.Equal(t, handover.CodeNotTransferred, h.session(t, "c1").Ending.Code)
		require.Len(t, requests(org, "conversations.transferToQueue"), 3)
		require.Equal(t, "ended", org.Conversation("c1").Phase())
	})
}

// TestAbandonedByTheAgentEnds checks a conversation with a connected customer after the agent's leg
// has ended, without a queue. The host is notified at once that the agent left. After two minutes
// the session ends and the conversation is closed.
func TestAbandonedByTheAgentEnds(t *testing.T) {
	t.Parallel()
	// To end a conversation without a second leg.
	const missing = "conversation:communication:disconnect"
	for name, test := range map[string]struct{ signals, permitted bool }{
		"with signals": {true, true}, "with polls": {false, true}, "without the permission to close it": {true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				signals, permissions := test.signals, genesystest.GuidePermissions()
				if test.permitted {
					permissions = append(permissions, missing)
				}
				org, ann := staffed(t, genesystest.WithPermissions(permissions...))
				h := newHost(t, org)
				if signals {
					org.Signal(h.desk.Recheck)
				}
				chat := h.connected(t, "c1", ann)
				h.says(t, "c1", "m1", "hello", handover.TurnAgent)
				pass(time.Minute)
				chat.LeaveOpen()
				left := time.Now()
				genesystest.Until(t, func() bool { return len(h.noticed(handover.NoticeAgentLeft)) == 1 })
				require.LessOrEqual(t, time.Since(left), 62*time.Second)
				if signals {
					require.Less(t, time.Since(left), 3*time.Second)
				}
				require.Equal(t, "Ann", h.noticed(handover.NoticeAgentLeft)[0].Agent.Name)
				h.says(t, "c1", "m2", "are you there?", handover.TurnAgent)
				h.reaches(t, "c1", handover.StateEnded)
				require.GreaterOrEqual(t, time.Since(left), 2*time.Minute)
				require.LessOrEqual(t, time.Since(left), 3*time.Minute+5*time.Second)
				h.until(t, 1)
				require.Equal(t, []string{"back: agent [are you there?(sent)]"}, h.lines())
				require.Equal(t, handover.CodeLeftOpen, h.session(t, "c1").Ending.Code)
				pass(time.Hour)
				if test.permitted {
					require.Equal(t, "ended", chat.Conversation().Phase())
				} else {
					require.Len(t, h.noticed(handover.NoticeConnectionLost), 1)
					require.Contains(t, h.noticed(handover.NoticeConnectionLost)[0].Permission, missing)
				}
				require.Len(t, h.noticed(handover.NoticeAgentLeft), 1)
				require.Len(t, h.noticed(handover.NoticeEnded), 1)
				require.Len(t, h.lines(), 1)
			})
		})
	}
}

// TestAbandonedIsNoTransfer checks that a transfer, which looks alike for a moment, does not end
// the session. The agent leaves once.
func TestAbandonedIsNoTransfer(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]time.Duration{"a moment": 0, "a minute": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				ann, ben := org.Agent("Ann", "Support"), org.Agent("Ben", "Billing")
				h := newHost(t, org)
				org.Signal(h.desk.Recheck)
				chat := h.connected(t, "c1", ann)
				pass(time.Minute)
				if away > 0 { // reads still show no agent
					chat.LeaveOpen()
					pass(away)
					s := h.session(t, "c1")
					require.Equal(t, handover.StateConnected, s.State)
					require.Zero(t, s.Agent)
					require.Len(t, h.noticed(handover.NoticeAgentLeft), 1)
					require.Equal(t, handover.TurnAgent, h.turn(t, "c1"))
					return
				}
				chat.TransferTo("Billing")
				next := ben.Wait(t).Accept()
				pass(3 * time.Minute)
				require.True(t, next.Active())
				require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
				require.Len(t, h.noticed(handover.NoticeAgentLeft), 1)
			})
		})
	}
}

// TestOneForbiddenReadDoesNotCount checks that a 403 counts when a second one, 5 s later, confirms
// it.
func TestOneForbiddenReadDoesNotCount(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		times   int
		refused bool
	}{"once": {1, false}, "again and again": {-1, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t)
				org.Inject(genesystest.Fault{Op: "conversations.get", Status: http.StatusForbidden, Times: test.times})
				h := newHost(t, org)
				began := time.Now()
				h.handOver(t, "c1", "r1")
				if test.refused {
					h.reaches(t, "c1", handover.StateEnded)
					require.GreaterOrEqual(t, time.Since(began), 5*time.Second)
					require.Less(t, time.Since(began), 10*time.Second)
					require.Equal(t, handover.CodePermission, h.session(t, "c1").Ending.Code)
					return
				}
				ann.Wait(t).Accept()
				h.reaches(t, "c1", handover.StateConnected)
				require.Empty(t, h.noticed(handover.NoticeConnectionLost))
			})
		})
	}
}

// closeDespite checks a conversation that no session needs, because the last message opened it
// after the end. It is closed although the first read of it fails.
func closeDespite(t *testing.T, f genesystest.Fault) {
	t.Helper()
	org, ann := staffed(t, genesystest.WithThreadWindow(0))
	h := newHost(t, org)
	chat := h.connected(t, "c1", ann)
	pass(10 * time.Second)
	chat.Say("Bye!")
	pass(5 * time.Second)
	chat.End()
	h.says(t, "c1", "m1", "one more thing", handover.TurnAgent)
	h.reaches(t, "c1", handover.StateEnded)
	org.Inject(f)
	pass(time.Minute)
	for _, c := range org.Conversations() {
		require.Equal(t, "ended", c.Phase())
	}
}

// TestOneForbiddenLookDoesNotCount checks the same for a conversation that no session needs: it is
// still closed.
func TestOneForbiddenLookDoesNotCount(t *testing.T) {
	t.Parallel()
	forbidden := genesystest.Fault{Op: "conversations.get", Status: http.StatusForbidden}
	t.Run("opened by the last message", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { closeDespite(t, forbidden) })
	})
	t.Run("revived by a slow message", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			org, _, h, chat := signalled(t)
			pass(time.Minute)
			org.Inject(genesystest.Fault{Op: "openmessaging.send", Delay: 9 * time.Second})
			h.says(t, "c1", "m1", "slow", handover.TurnAgent)
			pass(time.Second)
			chat.End()
			h.reaches(t, "c1", handover.StateEnded)
			genesystest.Until(t, func() bool { return org.Queue("Bot").Waiting() == 1 })
			org.Inject(forbidden)
			pass(3 * time.Minute)
			require.Equal(t, "ended", chat.Conversation().Phase())
			require.Zero(t, org.Queue("Bot").Waiting())
		})
	})
}

// TestOneMissingReadIsNoEnd checks that a 404 counts as the end after a minute of 404s, also for a
// conversation that is to be closed.
func TestOneMissingReadIsNoEnd(t *testing.T) {
	t.Parallel()
	notFound := genesystest.Fault{Op: "conversations.get", Status: http.StatusNotFound}
	t.Run("of a session", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			org, _, h, chat := talking(t)
			pass(time.Minute)
			org.Inject(notFound)
			require.NoError(t, h.desk.Recheck(t.Context(), chat.Conversation().ID()))
			pass(2 * time.Minute)
			require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
			notFound.Times = -1
			org.Inject(notFound)
			gone := time.Now()
			require.NoError(t, h.desk.Recheck(t.Context(), chat.Conversation().ID()))
			h.reaches(t, "c1", handover.StateEnded)
			require.GreaterOrEqual(t, time.Since(gone), time.Minute)
			require.Equal(t, handover.CodeConversationGone, h.session(t, "c1").Ending.Code)
		})
	})
	t.Run("of one that is ending", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			org, _, h, _ := talking(t)
			pass(time.Minute)
			h.end(t, "c1", handover.EndByCustomer)
			genesystest.Until(t, func() bool { return len(requests(org, "conversations.disconnectCommunication")) == 1 })
			org.Inject(genesystest.Fault{Op: "conversations.get", Status: http.StatusNotFound})
			h.reaches(t, "c1", handover.StateEnded)
			require.NotEqual(t, handover.CodeConversationGone, h.session(t, "c1").Ending.Code)
		})
	})
	t.Run("of one that no session needs", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			closeDespite(t, genesystest.Fault{Op: "conversations.get", Status: http.StatusNotFound})
		})
	})
}

// TestSupervisorTakesOver checks a supervisor who monitors the agent and then takes over. The
// session remains connected, with the supervisor as its agent.
func TestSupervisorTakesOver(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]genesystest.Option{
		"in the monitoring leg": nil, "in a new leg": {genesystest.WithTakeoverInNewLeg()},
		"with after-call work": {genesystest.WithWrapup(time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t, options...)
				h := newHost(t, org)
				org.Signal(h.desk.Recheck)
				chat := h.connected(t, "c1", ann)
				h.says(t, "c1", "m1", "to Ann", handover.TurnAgent)
				pass(time.Minute)
				boss := chat.Conversation().Monitor("Boss")
				pass(time.Minute)
				require.Equal(t, "Ann", h.session(t, "c1").Agent.Name)
				boss.TakeOver()
				h.says(t, "c1", "m2", "to the supervisor", handover.TurnAgent)
				pass(5 * time.Minute)
				require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
				require.Equal(t, "Boss", h.session(t, "c1").Agent.Name)
				boss.Say("I am here")
				h.says(t, "c1", "m3", "thank you", handover.TurnAgent)
				pass(time.Minute)
				boss.End()
				h.until(t, 2)
				require.Equal(t, []string{"agent: I am here", "back: agent []"}, h.lines())
				require.Equal(t, []string{
					"requested", "queued", "agentJoined Ann", "agentLeft Ann", "agentJoined Boss", "agentLeft Boss", "ended agent", "returned agent",
				}, h.steps())
			})
		})
	}
}

// TestBackInTheBotQueueIsClosed checks that a conversation that is back in the bot queue is closed.
// Otherwise the customer would wait there without an agent.
func TestBackInTheBotQueueIsClosed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		leave func(*testing.T, *host, *genesystest.Desk)
		back  string
	}{
		"the agent returned it": {func(_ *testing.T, _ *host, d *genesystest.Desk) { d.TransferTo("Bot") }, "back: agent []"},
		"a message revived it in the same second": {func(t *testing.T, h *host, d *genesystest.Desk) {
			t.Helper()
			d.Say("Bye!")
			pass(5 * time.Second)
			d.End()
			h.says(t, "c1", "m1", "wait", handover.TurnAgent)
		}, "back: agent [wait(sent)]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for source, signals := range map[string]bool{"signals": true, "polls": false} {
				t.Run(source, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						org, ann, h := hosted(t)
						if signals {
							org.Signal(h.desk.Recheck)
						}
						chat := h.connected(t, "c1", ann)
						pass(time.Minute)
						test.leave(t, h, chat)
						h.reaches(t, "c1", handover.StateEnded)
						pass(time.Minute)
						require.Equal(t, test.back, h.lines()[len(h.lines())-1])
						require.Equal(t, "ended", chat.Conversation().Phase())
						require.Zero(t, org.Queue("Bot").Waiting())
						require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
					})
				})
			}
		})
	}
}

// TestAdoptedConversationReturnsToTheBotQueue checks a session that an agent's message began while
// no read succeeded, so that the bot queue was unknown. It ends when the agent transfers the
// customer back.
func TestAdoptedConversationReturnsToTheBotQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann, h := hosted(t)
		chat := h.connected(t, "c1", ann)
		pass(time.Minute)
		org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Status: http.StatusForbidden, Times: -1})
		require.NoError(t, h.desk.End(t.Context(), handover.Customer("c1"), handover.EndByBot))
		h.reaches(t, "c1", handover.StateEnded)
		pass(time.Minute)
		org.Inject(genesystest.Fault{Op: "conversations.get", Status: http.StatusServiceUnavailable, Times: -1})
		chat.Say("I am still here.")
		h.reaches(t, "c1", handover.StateConnected)
		org.ClearFaults()
		pass(time.Minute)
		chat.TransferTo("Bot")
		began := time.Now()
		h.reaches(t, "c1", handover.StateEnded)
		require.Less(t, time.Since(began), time.Minute)
	})
}

// TestAgentInTheNextConversationStays checks a message after the end without a thread window. It
// opens another conversation, which the flow routes to the agents. An agent who accepts it is never
// disconnected: the session continues there.
func TestAgentInTheNextConversationStays(t *testing.T) {
	t.Parallel()
	toSupport := func(genesystest.Arrival) string { return "Support" }
	for name, test := range map[string]struct {
		// How long reads of the old conversation take, so that its session stays open.
		slow   time.Duration
		accept time.Duration // after the message
		write  time.Duration // after it; 0: the agent writes only at the end
	}{
		"who accepts at once":                {0, 0, 0},
		"who accepts just before the look":   {0, 4 * time.Second, 0},
		"who writes at once":                 {0, 0, 100 * time.Millisecond},
		"who writes after 4 s":               {0, time.Second, 4 * time.Second},
		"who writes after 4.2 s":             {0, time.Second, 4200 * time.Millisecond},
		"who writes after 4.5 s":             {0, time.Second, 4500 * time.Millisecond},
		"who writes while the first is open": {6 * time.Second, 0, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t, genesystest.WithThreadWindow(0), genesystest.WithFlow(toSupport))
				h := newHost(t, org, func(c *handover.Config) { c.Channel.Routing, c.Channel.BotQueue = handover.RouteByFlow, "" })
				chat := h.connected(t, "c1", ann)
				pass(time.Minute)
				chat.Say("Bye!")
				pass(5 * time.Second)
				chat.End()
				if test.slow > 0 {
					org.Inject(genesystest.Fault{Op: "conversations.get", Delay: test.slow, Times: 2})
				}
				sent := time.Now()
				h.says(t, "c1", "m1", "one more thing", handover.TurnAgent)
				offer := ann.Wait(t)
				pass(test.accept - time.Since(sent))
				next := offer.Accept()
				require.NotEqual(t, chat.Conversation().ID(), next.Conversation().ID())
				if test.write > 0 {
					pass(test.write - time.Since(sent))
					next.Say("Yes?")
				}
				pass(2 * time.Minute)
				require.True(t, next.Active(), "it was disconnected")
				require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
				require.Equal(t, next.Conversation().ID(), h.session(t, "c1").ConversationID)
				require.Equal(t, handover.TurnAgent, h.turn(t, "c1"))
				h.says(t, "c1", "m2", "still there?", handover.TurnAgent)
				pass(time.Minute)
				require.Equal(t, []string{"one more thing", "still there?"}, next.Texts())
				next.Say("Done.")
				pass(time.Minute)
				next.End()
				pass(2 * time.Minute)
				lines := h.lines()
				require.Equal(t, "back: agent []", lines[len(lines)-1])
				require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
			})
		})
	}
}

// TestReadWithOlderLegsIsIgnored checks an agent who has transferred the conversation. An older
// read shows the agent again, and the session does not move back.
func TestReadWithOlderLegsIsIgnored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := signalled(t)
		pass(time.Minute)
		chat.TransferTo("Billing")
		h.reaches(t, "c1", handover.StateQueued)
		pass(10 * time.Second)
		steps := h.steps()
		org.Inject(genesystest.Fault{Op: "conversations.get", Stale: 15 * time.Second})
		require.NoError(t, h.desk.Recheck(t.Context(), chat.Conversation().ID()))
		pass(10 * time.Second)
		require.Equal(t, handover.StateQueued, h.session(t, "c1").State)
		require.Equal(t, steps, h.steps())
	})
}

// TestEndIsReadAgainFiveSecondsAfterAWrite checks a message of the customer in the second in which
// the agent ends the conversation. The read that confirms the end begins 5 s or more after the
// message.
func TestEndIsReadAgainFiveSecondsAfterAWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := signalled(t)
		pass(time.Minute)
		chat.Say("Bye!")
		h.until(t, 1)
		chat.Say("Bye again!")
		pass(time.Second)
		h.says(t, "c1", "m1", "bye", handover.TurnAgent)
		pass(time.Second)
		wrote := postsOf(t, org, "bye")[0].At
		chat.End()
		h.reaches(t, "c1", handover.StateEnded)
		reads := requests(org, "conversations.get")
		require.GreaterOrEqual(t, reads[len(reads)-1].Time.Sub(wrote), 5*time.Second)
		require.Less(t, time.Since(wrote), 6*time.Second)
		h.until(t, 3)
		require.Equal(t, "back: agent []", h.lines()[2])
	})
}

// TestFlowSessionAfterTheRoutingChanged checks an open session that the flow routed, while a deploy
// changes the channel to routing by transfer. Its agent transfers the customer to the queue of the
// agents: the session goes on.
func TestFlowSessionAfterTheRoutingChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithFlow(func(genesystest.Arrival) string { return "Sales" }))
		ann := org.Agent("Ann", "Sales")
		org.Queue("Support")
		store := handover.NewMemoryStore()
		h := buildHost(t, org, func(c *handover.Config) {
			c.Store = store
			c.Channel.Routing, c.Channel.BotQueue = handover.RouteByFlow, ""
		})
		h.serve(org)
		ctx, stop := context.WithCancel(t.Context())
		done := h.run(ctx)
		chat := h.connected(t, "c1", ann)
		pass(time.Minute)
		stop()
		<-done
		h = newHost(t, org, func(c *handover.Config) {
			c.Store = store
			c.Channel.BotQueue, c.Channel.AgentQueue = "", "Support"
		})
		pass(3 * time.Minute)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
		ann.GoOffQueue()
		chat.TransferTo("Sales") // for a colleague
		pass(3 * time.Minute)
		require.Equal(t, handover.StateQueued, h.session(t, "c1").State, "%v", h.lines())
		require.Equal(t, 1, org.Queue("Sales").Waiting(), "the customer waits for an agent")
	})
}
