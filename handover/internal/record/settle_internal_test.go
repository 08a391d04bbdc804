package record

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

func apiFault(status int) error { return &genesys.Error{Op: "openmessaging.send", StatusCode: status} }

// TestWhoseFaultItIs checks that 401, 403, 404 on the integration, 429, network and 5xx are the
// channel's fault, and the rest is the message's.
func TestWhoseFaultItIs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		channel bool
	}{
		"none": {nil, false}, "400": {apiFault(400), false}, "413": {apiFault(413), false}, "415": {apiFault(415), false}, "422": {apiFault(422), false},
		"401": {apiFault(401), true}, "403": {apiFault(403), true}, "404": {apiFault(404), true}, "429": {apiFault(429), true},
		"500": {apiFault(500), true}, "503": {apiFault(503), true}, "network": {genesys.ErrUnavailable, true},
		"404 of one conversation": {&genesys.Error{Op: "conversations.get", StatusCode: 404}, false},
		"no room in the budget":   {&WaitError{}, false},
		"a wrong queue name":      {fmt.Errorf("%w: %w", ErrNoQueue, &genesys.QueueNotFoundError{}), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.channel, ChannelFault(test.err))
		})
	}
}

func TestJudged(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err          error
		effect       effectOutcome
		channelFault bool
		after        time.Duration
	}{
		"400":    {apiFault(400), EffectRefused, false, 0},
		"422":    {apiFault(422), EffectRefused, false, 0},
		"401":    {apiFault(401), EffectNotPerformed, true, 0},
		"403":    {apiFault(403), EffectNotPerformed, true, 0},
		"429":    {&genesys.Error{StatusCode: 429, RetryAfter: 3 * time.Second}, EffectNotPerformed, true, 4 * time.Second},
		"503":    {&genesys.Error{StatusCode: 503, RetryAfter: 3 * time.Second}, EffectAmbiguous, true, 3 * time.Second},
		"500":    {apiFault(500), EffectAmbiguous, true, 0},
		"budget": {&WaitError{After: time.Minute}, EffectNotPerformed, true, time.Minute},
		"other":  {errors.New("reset"), EffectAmbiguous, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Judged(test.err)
			require.Equal(t, test.effect, o.Effect)
			require.Equal(t, test.channelFault, o.ChannelFault)
			require.Equal(t, test.after, o.RetryAfter)
		})
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	tx := newTransaction(&Record{})
	for failures, want := range []int{0: 500, 1: 500, 2: 1000, 3: 2000, 4: 4000, 5: 8000, 6: 16000, 7: 30000, 100: 30000} {
		if want > 0 {
			require.Equal(t, time.Duration(want)*time.Millisecond, tx.backoff(failures, Outcome{}).Sub(tx.Now), failures)
		}
	}
	require.Equal(t, time.Hour, tx.backoff(1, Outcome{RetryAfter: time.Hour}).Sub(tx.Now))
}

// TestWhatIsNoAttempt checks that 429 and a spent budget are no attempts: an opening is not given
// up as forbidden for them, nor is a disconnect.
func TestWhatIsNoAttempt(t *testing.T) {
	t.Parallel()
	tooMany := &genesys.Error{StatusCode: 429, RetryAfter: time.Second}
	denied := &genesys.Error{StatusCode: 403}
	c := machinetest.HandoverIn(machine.StateRequested)
	tx := opens(c)
	for _, err := range []error{tooMany, &WaitError{}, tooMany, denied, denied} {
		settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Effect: EffectNotPerformed, Err: err})
		require.Equal(t, machine.StateRequested, tx.Handover.State)
	}
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Effect: EffectNotPerformed, Err: denied})
	require.Equal(t, machine.EndRefused, tx.Handover.Ending.Reason)

	tx = newTransaction(recordIn(machine.StateEnded))
	tx.close(tx.Handover, "conversation", false)
	for range 2 * maxClosings {
		settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Read: showing(tx, genesys.PhaseQueued), Err: tooMany})
	}
	require.Len(t, tx.Watched, 1)
	require.Zero(t, tx.Watched[0].Closings)
}

// TestADeliveryThatDidNotBeginIsNoAttempt checks that a delivery that could not begin in time has
// not been tried.
func TestADeliveryThatDidNotBeginIsNoAttempt(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	agentWrites(tx, "1", 0)
	for range 100 {
		settleAs(tx, jobOn(t, tx, ToHost), Outcome{Effect: EffectNotPerformed, Err: ErrUnsure, ChannelFault: true})
		tx.Now = tx.Now.Add(10 * time.Second)
	}
	require.Equal(t, []string{"1"}, lineup(tx.Record))
	require.Zero(t, tx.In.Entries[0].Attempts)
}

// TestAMessageByAge checks that a message that Genesys does not take for 15 minutes ends the
// session as failed. The time counts from its first attempt.
func TestAMessageByAge(t *testing.T) {
	t.Parallel()
	down := Outcome{Effect: EffectNotPerformed, Err: genesys.ErrUnavailable, RetryAfter: time.Minute}
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "1")
	began := noon().Add(time.Hour) // it waited
	for _, at := range []time.Duration{0, time.Minute, 15*time.Minute - 1} {
		tx.Now = began.Add(at)
		settleAs(tx, jobOn(t, tx, ToGenesys), down)
		require.Equal(t, machine.StateConnected, tx.Handover.State)
		require.Equal(t, tx.Now.Add(time.Minute), tx.Out.NotBefore)
	}
	tx.Now = began.Add(15 * time.Minute)
	settleAs(tx, jobOn(t, tx, ToGenesys), down)
	require.Equal(t, machine.EndFailed, tx.Handover.Ending.Reason)
	require.Equal(t, []string{"1"}, texts(tx.Record, firstReturn(t, tx.Record)))
}

// TestDeliveriesThatFail checks that a permanent failure, or one of two minutes, leads to a Failed
// receipt and a notice.
func TestDeliveriesThatFail(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	agentWrites(tx, "1", 0)
	agentWrites(tx, "2", 1)
	settleAs(tx, jobOn(t, tx, ToHost), Outcome{Err: Undeliverable(openmessaging.ReasonRateLimited, nil)})
	require.Equal(t, []string{"2", "messageFailed"}, lineup(tx.Record))
	require.Equal(t, openmessaging.ReasonRateLimited, tx.Receipts[0].Code)
	require.Equal(t, "1", tx.Receipts[0].ID)

	settleAs(tx, jobOn(t, tx, ToHost), Outcome{Err: errors.New("no")})
	tx.Now = noon().Add(2*time.Minute - time.Microsecond)
	settleAs(tx, jobOn(t, tx, ToHost), Outcome{Err: errors.New("no")})
	require.Equal(t, "2", lineup(tx.Record)[0])
	tx.Now = tx.Now.Add(time.Microsecond)
	settleAs(tx, jobOn(t, tx, ToHost), Outcome{Err: errors.New("no")})
	require.Equal(t, []string{"messageFailed", "messageFailed"}, lineup(tx.Record))
	require.Len(t, tx.Receipts, 2)
}

func TestReceiptsThatFail(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Handover.PollAt = noon().Add(time.Second)
	tx.receipt(Receipt{ID: "1", Status: openmessaging.StatusFailed})
	tx.receipt(Receipt{ID: "2", Status: openmessaging.StatusFailed})
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskReceipt, Err: genesys.ErrUnavailable})
	require.Equal(t, "2", tx.NextReceipt().ID, "the others continue")
	require.Zero(t, tx.Control.NotBefore, "and the reads")
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskReceipt})
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskReceipt, Err: &WaitError{After: time.Minute}})
	require.Equal(t, 1, tx.Receipts[0].Tries, "a budget that is spent is no try")
	require.Equal(t, noon().Add(time.Minute), tx.Receipts[0].At)
	for range maxReceiptTries - 1 {
		settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskReceipt, Err: genesys.ErrUnavailable})
	}
	require.Empty(t, tx.Receipts)
	tx.receipt(Receipt{ID: "3"})
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskReceipt, Err: &genesys.Error{StatusCode: 400}})
	require.Empty(t, tx.Receipts, "Genesys will never take it")
}

// TestRefusedTransferOfAConnectedSession checks a transfer that Genesys refused because an agent
// has taken the conversation. The agent's message arrived before that outcome.
func TestRefusedTransferOfAConnectedSession(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Outcome{
		"transfer": {Task: TaskLook, Refused: &genesys.Error{StatusCode: 404}},
		"queue":    {Task: TaskLook, Effect: EffectRefused, Err: ErrNoQueue, Code: machine.CodeQueue},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateRequested))
			tx.Handover.Refusals = maxRefusals - 1
			look := jobOn(t, tx, Control)
			agentWrites(tx, "hello", 0)
			require.Equal(t, machine.StateConnected, tx.Handover.State)
			settleAs(tx, look, o)
			require.Equal(t, machine.StateConnected, tx.Handover.State)
		})
	}
}
