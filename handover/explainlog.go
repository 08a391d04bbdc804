package handover

import (
	"strings"
	"time"
)

// happened is the log of the record, as sentences.
func (s *story) happened(f *file) {
	if len(f.Log) == 0 {
		return
	}
	s.heading("what happened")
	date := ""
	for _, l := range f.Log {
		at := l.At.UTC()
		if d := at.Format(time.DateOnly); d != date {
			s.line("  %s", d)
			date = d
		}
		s.line("  %s  %s", at.Format(time.TimeOnly), l.sentence())
	}
}

// sentence reads a line. What another release has written stays as it is.
func (l logLine) sentence() string {
	what, why := oneLine(l.What, maxWhy), oneLine(l.Why, maxWhy)
	switch what {
	case string(StateBot), string(StateRequested), string(StateQueued), string(StateAlerting), string(StateConnected),
		string(StateEnding), string(StateEnded):
		on, about, _ := strings.Cut(why, " ")
		return moved(State(what), eventKind(on), strings.TrimSpace(about))
	case saidAccepted:
		if why == "resumed" {
			return "it is an older conversation that goes on"
		}
		return "Genesys took the opening"
	case saidMoved:
		return "a message of the customer opened another conversation"
	case saidBlind:
		return "the conversation may not be read"
	case saidAgent:
		return "the agent is " + why
	case saidDeclined:
		return whoever(why) + " did not take it"
	case saidLeft:
		return whoever(why) + " left"
	case saidPassed:
		from, to, _ := strings.Cut(why, " ")
		return "transferred from queue " + from + " to " + to
	case saidIdle:
		return "the host was told that the customer is silent"
	case saidRetry:
		kind, err, _ := strings.Cut(why, " ")
		return "to be tried again, " + entryKind(kind).words() + ": " + err
	case saidTransfer:
		return "the transfer was refused: " + why
	case saidDisconnect:
		return "the disconnect was refused: " + why
	}
	return l.mishap(what, why)
}

// mishap reads what was lost, and says so.
func (l logLine) mishap(what, why string) string {
	switch what {
	case saidReturned:
		return "given back to the bot"
	case saidDropped:
		return "a notice gave way, since too much waits for the host: " + why
	case saidLost:
		return "a message of the agent did not get to the customer: " + why
	case saidGivenUp:
		return "given up, the host did not take it: " + entryKind(why).words()
	case saidOverflow:
		return "a message of the agent was refused, since too much waits for the host"
	case saidGap:
		return why
	case saidFetched:
		return "a message of the agent was fetched, since no webhook brought it"
	case saidSource:
		return "signals no longer come, so it is polled"
	case saidFailed:
		return "Genesys reports that a message of the customer did not arrive"
	}
	if why != "" {
		return what + ": " + why
	}
	return what
}

// moved says how the session came into a state.
func moved(to State, on eventKind, about string) string {
	switch to {
	case StateBot:
		return "a session began, the bot goes on answering"
	case StateRequested:
		if on == saidBegun {
			return "a session began, an agent was asked for"
		}
		return "an agent was asked for"
	case StateQueued:
		if on == evTransferred {
			return "transferred to the agent queue" + in(about)
		}
		return "a read shows it in a queue of agents" + in(about)
	case StateAlerting:
		return "it rings at " + whoever(about)
	case StateConnected:
		switch on {
		case saidBegun:
			return "a session began, an agent wrote although there was none"
		case evAgentSpoke:
			return "an agent wrote, so one is there"
		default:
			return whoever(about) + " is there"
		}
	case StateEnding:
		return "the end was asked for: " + ending(about)
	case StateEnded:
		return ending(about)
	default:
		return string(to)
	}
}

func ending(about string) string {
	reason, code, _ := strings.Cut(about, " ")
	text := Ending{Reason: EndReason(reason)}.words()
	if !EndReason(reason).valid() {
		text = "ended"
	}
	if code = strings.TrimSpace(code); code != "" {
		text += " (" + code + ")"
	}
	return text
}

func in(queue string) string {
	if queue == "" {
		return ""
	}
	return " " + queue
}

func whoever(agent string) string {
	if agent == "" {
		return "an agent"
	}
	return agent
}

// words name an entry for people.
func (k entryKind) words() string {
	switch k {
	case kindOpen:
		return "the opening"
	case kindMessage, kindReply:
		return "a message of the customer"
	case kindLeft:
		return "the word to the agent that the customer left"
	case kindDelivery:
		return "a message of the agent"
	case kindNotice:
		return "a notice"
	case kindReturn:
		return "the hand-back"
	default:
		return string(k)
	}
}
