package machine

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/stretchr/testify/require"
)

// person returns a participant. Times are in seconds after noon; a negative one is not set.
func person(purpose string, start, connected, end int, with ...func(*genesys.Participant)) genesys.Participant {
	at := func(s int) Time {
		if s < 0 {
			return 0
		}
		return noon().Add(time.Duration(s) * time.Second)
	}
	p := genesys.Participant{Purpose: purpose, Start: at(start).Std(), Connected: at(connected).Std(), End: at(end).Std(), State: genesys.StateConnected}
	if end >= 0 {
		p.State = genesys.StateDisconnected
	}
	for _, f := range with {
		f(&p)
	}
	return p
}

func of(queue string) func(*genesys.Participant) {
	return func(p *genesys.Participant) { p.QueueID = queue }
}

func how(disconnect string) func(*genesys.Participant) {
	return func(p *genesys.Participant) { p.DisconnectType = disconnect }
}

func TestHistoryOfAConversation(t *testing.T) {
	t.Parallel()
	at := func(s int) Time { return noon().Add(time.Duration(s) * time.Second) }
	customer, bots, agents := person("customer", 0, 0, -1), person("acd", 1, 1, 5, of("bots")), person("acd", 5, 5, 9, of("agents"))
	gone := person("customer", 0, 0, 60)
	for name, test := range map[string]struct {
		list []genesys.Participant
		want History
	}{
		"nobody":              {nil, History{}},
		"bot queue":           {[]genesys.Participant{customer, bots}, History{Entry: "bots"}},
		"in any order":        {[]genesys.Participant{agents, bots, customer}, History{Entry: "bots"}},
		"without times":       {[]genesys.Participant{person("customer", -1, -1, -1), person("acd", -1, -1, -1, of("bots")), person("acd", -1, -1, -1, of("agents"))}, History{Entry: "bots"}},
		"rings only":          {[]genesys.Participant{customer, bots, agents, person("agent", 8, -1, -1)}, History{Entry: "bots"}},
		"answered":            {[]genesys.Participant{customer, bots, agents, person("agent", 8, 9, -1)}, History{Entry: "bots", Came: at(9)}},
		"ended by the agent":  {[]genesys.Participant{gone, bots, agents, person("agent", 8, 9, 60, how("client"))}, History{Entry: "bots", Came: at(9), Left: at(60)}},
		"moved to a queue":    {[]genesys.Participant{customer, bots, agents, person("agent", 8, 9, 20, how("other")), person("acd", 20, 20, -1, of("billing"))}, History{Entry: "bots", Came: at(9), Left: at(20)}},
		"moved to a person":   {[]genesys.Participant{customer, bots, agents, person("agent", 8, 9, 20, how("transfer"))}, History{Entry: "bots", Came: at(9), Left: at(20)}},
		"and that one joined": {[]genesys.Participant{customer, bots, agents, person("agent", 8, 9, 20, how("transfer")), person("agent", 19, 20, -1)}, History{Entry: "bots", Came: at(9)}},
		"and that one ended":  {[]genesys.Participant{gone, bots, agents, person("agent", 8, 9, 20, how("transfer")), person("agent", 19, 20, 60, how("client"))}, History{Entry: "bots", Came: at(9), Left: at(60)}},
		"its leg broke":       {[]genesys.Participant{person("customer", 0, 0, 60, how("client")), bots, agents, person("agent", 8, 9, 59, how("error"))}, History{Entry: "bots", Came: at(9), Left: at(59)}},
		"all legs broke":      {[]genesys.Participant{person("customer", 0, 0, 60, how("system")), bots, agents, person("agent", 8, 9, 60, how("system"))}, History{Entry: "bots", Came: at(9), Left: at(60)}},
		"queue before leg":    {[]genesys.Participant{person("customer", 2, 2, -1), bots, agents}, History{Entry: "bots"}},
		"straight to agents":  {[]genesys.Participant{customer, person("acd", 1, 1, -1, of("agents"))}, History{Entry: "agents"}},
		"revived":             {[]genesys.Participant{person("customer", 0, 0, 60), bots, agents, person("customer", 100, 100, -1), person("acd", 101, 101, -1, of("other bots"))}, History{Entry: "other bots"}},
		"revived in its leg":  {[]genesys.Participant{customer, bots, agents, person("acd", 101, 101, -1, of("bots"))}, History{Entry: "bots"}},
		"of an older session": {[]genesys.Participant{customer, bots, agents, person("agent", 8, 9, 10, how("client"))}, History{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			since := noon()
			if name == "of an older session" {
				since = at(30)
			}
			c := &genesys.Conversation{Participants: test.list}
			require.Equal(t, test.want, HistoryOf(c, since))
		})
	}
}

// The flow puts a conversation into the bot queue only if it was in no queue and with no agent when
// the session opened in it.
func TestEntryQueueSinceTheOpening(t *testing.T) {
	t.Parallel()
	opening := noon().Add(30 * time.Second)
	for name, test := range map[string]struct {
		list []genesys.Participant
		want string
	}{
		"waits in a queue":    {[]genesys.Participant{person("acd", 5, 5, 40, of("agents")), person("acd", 40, 40, -1, of("agents"))}, ""},
		"has an agent":        {[]genesys.Participant{person("agent", 8, 9, 40), person("acd", 40, 40, -1, of("agents"))}, ""},
		"had an agent":        {[]genesys.Participant{person("agent", 8, 9, 29), person("acd", 31, 31, -1, of("bots"))}, "bots"},
		"by its agent":        {[]genesys.Participant{person("agent", 31, 31, 40), person("acd", 39, 39, -1, of("agents"))}, ""},
		"by the agent before": {[]genesys.Participant{person("agent", 8, 9, 28), person("acd", 28, 28, -1, of("agents"))}, ""},
		"is not routed":       {[]genesys.Participant{person("acd", 5, 5, 9, of("agents")), person("acd", 31, 31, -1, of("bots"))}, "bots"},
	} {
		list := append(test.list, person("customer", 0, 0, -1))
		c := &genesys.Conversation{Participants: list}
		require.Equal(t, test.want, EntryQueue(c, c, opening), name)
	}
}
