package record

import (
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// happened writes the log of the record as sentences.
func (s *story) happened(f *Record) {
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

// sentence returns a log line as a sentence. It returns unknown lines of another release
// unchanged.
func (l logLine) sentence() string {
	what, why := OneLine(l.What, maxWhy), OneLine(l.Why, maxWhy)
	switch what {
	case string(machine.StateBot), string(machine.StateRequested), string(machine.StateQueued), string(machine.StateAlerting), string(machine.StateConnected),
		string(machine.StateEnding), string(machine.StateEnded):
		on, about, _ := strings.Cut(why, " ")
		return moved(machine.State(what), machine.EventKind(on), strings.TrimSpace(about))
	case saidAccepted:
		if why == "resumed" {
			return "an older conversation continues"
		}
		return "Genesys accepted the opening"
	case saidMoved:
		return "a message of the customer opened another conversation"
	case saidBlind:
		return "the conversation may not be read"
	case saidAgent:
		return "the agent is " + why
	case saidDeclined:
		return agentOrUnknown(why) + " did not take it"
	case saidLeft:
		return agentOrUnknown(why) + " left"
	case saidPassed:
		from, to, _ := strings.Cut(why, " ")
		return "transferred from queue " + from + " to " + to
	case saidMisrouted:
		return "misrouted: " + why
	case saidIdle:
		return "the host was notified that the customer is silent"
	case saidRetry:
		kind, err, _ := strings.Cut(why, " ")
		return "to be tried again, " + EntryKind(kind).Words() + ": " + err
	case saidTransfer:
		return "the transfer was refused: " + why
	case saidDisconnect:
		return "the disconnect was refused: " + why
	}
	return l.mishap(what, why)
}

// mishap returns a log line about a loss as a sentence.
func (l logLine) mishap(what, why string) string {
	switch what {
	case saidReturned:
		return "given back to the bot"
	case saidDropped:
		return "a notice was dropped, because too much waits for the host: " + why
	case saidLost:
		return "a message of the agent did not get to the customer: " + why
	case saidGivenUp:
		return "given up, the host did not take it: " + EntryKind(why).Words()
	case saidOverflow:
		return "a message of the agent was refused, because too much waits for the host"
	case saidGap:
		return why
	case saidNoReceipt:
		return "Genesys got no receipt that a message of the agent failed: " + why
	case saidNotKept:
		return "a message that Genesys refused will not be handed back, since too many were refused"
	case saidFetched:
		return "a message of the agent was fetched, because no webhook delivered it"
	case saidSource:
		return "signals no longer arrive, so the conversation is polled"
	case SaidFailed:
		return "Genesys reports that a message of the customer did not arrive"
	}
	if why != "" {
		return what + ": " + why
	}
	return what
}

// moved describes how the session entered a state.
func moved(to machine.State, on machine.EventKind, about string) string {
	switch to {
	case machine.StateBot:
		return "a session began, the bot continues to answer"
	case machine.StateRequested:
		if on == saidBegun {
			return "a session began, an agent was asked for"
		}
		return "an agent was asked for"
	case machine.StateQueued:
		if on == machine.EvTransferred {
			return "transferred to the agent queue" + in(about)
		}
		return "a read shows it in a queue of agents" + in(about)
	case machine.StateAlerting:
		return "it rings at " + agentOrUnknown(about)
	case machine.StateConnected:
		switch on {
		case saidBegun:
			return "a session began, an agent wrote although there was none"
		case machine.EvAgentWrote:
			return "an agent wrote, so one is there"
		default:
			return agentOrUnknown(about) + " is there"
		}
	case machine.StateEnding:
		return "the end was asked for: " + ending(about)
	case machine.StateEnded:
		return ending(about)
	default:
		return string(to)
	}
}

func ending(about string) string {
	reason, code, _ := strings.Cut(about, " ")
	text := machine.Ending{Reason: machine.EndReason(reason)}.Words()
	if !machine.EndReason(reason).Valid() {
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

func agentOrUnknown(agent string) string {
	if agent == "" {
		return "an agent"
	}
	return agent
}

// Words returns a name of the entry kind for Explain.
func (k EntryKind) Words() string {
	switch k {
	case KindOpen:
		return "the opening"
	case KindContext:
		return "the context for the agent"
	case KindMessage, KindReply:
		return "a message of the customer"
	case kindLeft:
		return "the word to the agent that the customer left"
	case KindDelivery:
		return "a message of the agent"
	case KindNotice:
		return "a notice"
	case KindReturn:
		return "the hand-back"
	default:
		return string(k)
	}
}
