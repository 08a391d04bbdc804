package record

import (
	"errors"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// An Outcome is what became of an effect.
type Outcome struct {
	Effect       effectOutcome
	Err          error
	RetryAfter   time.Duration // before it makes sense to try again
	ChannelFault bool          // the failure counts against the channel, not against the entry
	Code         string        // of an Ending, with EffectRefused
	QueueID      string        // resolved on the way
	BotQueue     string        //
	Conversation string        // that a message went into
	PlatformID   string
	Posted       time.Time               // when the POST began, by Genesys' clock; zero if that is not measured
	Accepted     time.Time               // Genesys had taken the message by then, by its clock; zero if it does not say it
	Read         *Reading                // a read that was made on the way
	Transferred  bool                    // Genesys took the transfer
	Doubtful     bool                    // Genesys may have taken the transfer
	Refused      error                   // Genesys refused the transfer or the disconnect
	Disconnected bool                    // Genesys took the disconnect
	Tried        bool                    // a disconnect was tried
	LeftText     string                  // for the agent, if it may not be disconnected
	Receipt      *Receipt                // that could not be sent
	Receipted    bool                    // Genesys took the receipt, or never will
	Pending      bool                    // the host reports later what became of the message
	Asked        []genesys.MessageRef    // that were missing
	Stored       []genesys.StoredMessage // of them
	GapErr       error                   // why they are not there
	End          bool                    // the read shows the end of the session
	Task         TaskKind
	Polls        pollBudget     // where polls get their slots
	Timers       machine.Timers // of the channel, for a session that an agent begins
	Socket       SocketState    // whether signals can be relied on
	Alarm        string         // for the host: the webhook does not deliver
}

// An EffectOutcome is what is known of an effect.
type effectOutcome int

// The outcomes of an effect.
const (
	effectDone         effectOutcome = iota
	EffectRefused                    // certainly not performed, and never will be
	EffectNotPerformed               // certainly not performed
	EffectAmbiguous                  // the result is unknown
	EffectPostponed                  // not tried: a read changed the picture
)

// The backoff of lanes and duties.
const (
	BackoffFirst = 500 * time.Millisecond
	backoffLast  = 30 * time.Second
	LimitedPause = time.Second // on top of Retry-After
)

// backoff is when to try again after so many failures in a row.
func (tx *Transaction) backoff(failures int, o Outcome) time.Time {
	if o.RetryAfter > 0 {
		return tx.Now.Add(o.RetryAfter)
	}
	most := backoffLast
	if errors.Is(o.Err, ErrNoChannel) { // it will not come back soon
		most = time.Hour
	}
	d := BackoffFirst << min(max(failures-1, 0), 13)
	return tx.Now.Add(tx.Jitter(min(d, most)))
}
