package record

import (
	"errors"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// An Outcome is the result of an effect.
type Outcome struct {
	Effect       effectOutcome
	Err          error
	RetryAfter   time.Duration // the least pause before the next attempt
	ChannelFault bool          // the failure counts against the channel, not against the entry
	Code         string        // of an Ending, with EffectRefused
	QueueID      string        // resolved by the effect
	BotQueue     string        //
	Conversation string        // of the message, as the answer names it
	PlatformID   string
	Posted       time.Time // when the POST began, by Genesys' clock; zero if that is not measured
	// When Genesys had accepted the message, by its clock; zero if the answer has no Date.
	Accepted     time.Time
	Read         *Reading                // a read that the effect made
	Transferred  bool                    // Genesys accepted the transfer
	Doubtful     bool                    // Genesys may have accepted the transfer
	Refused      error                   // Genesys refused the transfer or the disconnect
	Disconnected bool                    // Genesys accepted the disconnect
	Tried        bool                    // a disconnect was tried
	LeftText     string                  // for the agent, if it may not be disconnected
	Receipt      *Receipt                // that could not be sent
	Receipted    bool                    // Genesys accepted the receipt, or never will
	Pending      bool                    // the host reports the outcome of the message later
	Asked        []genesys.MessageRef    // the missing messages that were fetched
	Stored       []genesys.StoredMessage // the found ones
	GapErr       error                   // why others are missing
	End          bool                    // the read shows the end of the session
	Task         TaskKind
	Polls        pollBudget     // reserves the slots of polls
	Timers       machine.Timers // of the channel, for a session that an agent begins
	Socket       SocketState    // whether signals are reliable
	Alarm        string         // for the host: the webhook does not deliver
}

// An effectOutcome is the certainty of the result of an effect.
type effectOutcome int

// The outcomes of an effect.
const (
	effectDone         effectOutcome = iota
	EffectRefused                    // not performed, and never will be
	EffectNotPerformed               // not performed
	EffectAmbiguous                  // the result is unknown
	EffectPostponed                  // not tried, because a read changed the state
)

// The backoff of lanes and tasks.
const (
	BackoffFirst = 500 * time.Millisecond
	backoffLast  = 30 * time.Second
	LimitedPause = time.Second // on top of Retry-After
)

// backoff returns when to retry after a number of failures in a row.
func (tx *Transaction) backoff(failures int, o Outcome) time.Time {
	if o.RetryAfter > 0 {
		return tx.Now.Add(o.RetryAfter)
	}
	most := backoffLast
	if errors.Is(o.Err, ErrNoChannel) { // the channel will not return soon
		most = time.Hour
	}
	d := BackoffFirst << min(max(failures-1, 0), 13)
	return tx.Now.Add(tx.Jitter(min(d, most)))
}
