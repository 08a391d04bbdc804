package scenario_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/notifications"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// A race is two events at about the same time. The result must be the same for every signal
// source, and without any.
type race struct {
	org     []genesystest.Option
	config  func(*handover.Config)
	play    func(*stage)
	notices []string // of the customer "c1", in order: kind, agent or reason
	lines   []string // messages to the customer and Returns to the bot, in order
}

// A stage is the environment of a race: an organisation with three agents and two queues, and a
// host.
type stage struct {
	*host

	t             *testing.T
	org           *genesystest.Org
	ann, ben, cem *genesystest.Agent // Cem works in Billing
}

// calm is longer than the longest pause between two polls. After it every change is detected,
// even without a source.
func (*stage) calm() { pass(90 * time.Second) }

// with hands c1 over and lets Ann accept after a while.
func (s *stage) with(request string) *genesystest.Desk {
	s.t.Helper()
	s.handOver(s.t, "c1", request)
	offer := s.ann.Wait(s.t)
	s.calm()
	chat := offer.Accept()
	s.calm()
	return chat
}

// sources lists the ways to detect a change. Polls continue in addition to each.
func sources() map[string]func(*stage) {
	return map[string]func(*stage){
		"polls alone":        func(*stage) {},
		"a socket":           bySocket,
		"process automation": byTrigger,
		"EventBridge":        byEventBridge,
		"all of them, disturbed": func(s *stage) {
			bySocket(s)
			byTrigger(s)
			byEventBridge(s)
			s.org.DisturbSignals(genesystest.SignalFaults{Lost: 0.3, Doubled: 0.3, Late: 0.3, Seed: 7})
		},
	}
}

// bySocket subscribes to the topics of the agents' queues.
func bySocket(s *stage) {
	c, err := s.desk.Client(s.t.Context(), "")
	require.NoError(s.t, err)
	topics := []notifications.Topic{
		notifications.QueueMessages(s.org.Queue("Support").ID()), notifications.QueueMessages(s.org.Queue("Billing").ID()),
	}
	l, err := notifications.New(c, topics, notifications.WithOwner(s.desk.SocketOwner("")))
	require.NoError(s.t, err)
	go func() { _ = l.Run(s.t.Context(), s.desk.Recheck) }()
	synctest.Wait()
}

// byTrigger sends the posts of a workflow of Process Automation. A signal may be late or missing.
func byTrigger(s *stage) {
	const token = "signal-token-of-32-characters-00"
	h := webhook.NewSignalHandler(token, s.desk.Recheck, webhook.WithEnded(s.desk.Ended))
	s.org.Signal(func(ctx context.Context, id string) error {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/signals", strings.NewReader(`{"conversationId":"`+id+`"}`))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusOK {
			return errors.New(w.Body.String())
		}
		return nil
	})
}

// byEventBridge handles a misleading user.end at each change.
func byEventBridge(s *stage) {
	s.org.Signal(func(ctx context.Context, id string) error {
		event, err := json.Marshal(map[string]any{
			"detail-type": "v2.detail.events.conversation.{id}.user.end",
			"detail": map[string]any{
				"topicName": "v2.detail.events.conversation." + id + ".user.end",
				"eventBody": map[string]any{"conversationId": id, "disconnectType": "CLIENT"},
			},
		})
		if err != nil {
			return err
		}
		e, err := webhook.ParseEventBridge(event)
		if err != nil || e.CustomerEnded {
			return errors.Join(err, errors.New("user.end is no end"))
		}
		return s.desk.Recheck(ctx, e.ConversationID)
	})
}

// steps returns the notices of customer c1 as text: the kind and the agent, queue or reason. It
// omits notices about the sources, which differ by source.
func (h *host) steps() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := []string{}
	for _, n := range h.notices {
		words := []string{string(n.Kind)}
		switch n.Kind {
		case handover.NoticeConnectionLost:
			continue
		case handover.NoticeEnded, handover.NoticeEnding, handover.NoticeReturned:
			words = append(words, string(n.Session.Ending.Reason))
		default:
			words = append(words, n.Agent.Name)
		}
		if n.Session.Key.Customer == "c1" {
			list = append(list, strings.TrimSpace(strings.Join(words, " ")))
		}
	}
	return list
}

// races runs each race with each source.
func races(t *testing.T, list map[string]race) {
	t.Helper()
	for name, r := range list {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for source, listen := range sources() {
				t.Run(source, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { r.run(t, listen) })
				})
			}
		})
	}
}

func (r race) run(t *testing.T, listen func(*stage)) {
	t.Helper()
	org := genesystest.New(t, r.org...)
	s := &stage{t: t, org: org, ann: org.Agent("Ann", "Support"), ben: org.Agent("Ben"), cem: org.Agent("Cem", "Billing")}
	s.host = newHost(t, org, func(c *handover.Config) {
		if r.config != nil {
			r.config(c)
		}
	})
	listen(s)
	r.play(s)
	s.calm()
	s.calm()
	require.Equal(t, r.notices, s.steps())
	require.Equal(t, r.lines, s.lines())
	pass(time.Hour)
	require.Equal(t, r.lines, s.lines(), "nothing arrives an hour later")
}
