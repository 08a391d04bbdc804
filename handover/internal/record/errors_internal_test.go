package record

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/stretchr/testify/require"
)

func apiFault(status int) error { return &genesys.Error{Op: "openmessaging.send", StatusCode: status} }

// 401, 403, 404 on the integration, 429, network and 5xx are the channel's fault; the rest is the
// message's.
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
