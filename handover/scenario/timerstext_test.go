package scenario_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
)

// yamlOf returns the function that a YAML decoder passes to UnmarshalYAML for a mapping.
func yamlOf(values map[string]any) func(any) error {
	return func(into any) error {
		*into.(*map[string]any) = values //nolint:forcetypeassert // the type that UnmarshalYAML passes
		return nil
	}
}

// TestTimersAreText checks that durations are text with their unit, and that errors name the
// fix.
func TestTimersAreText(t *testing.T) {
	t.Parallel()
	before := handover.Timers{Max: time.Hour}
	for name, c := range map[string]struct {
		values map[string]any
		want   handover.Timers
		err    []string
	}{
		"durations": {
			map[string]any{"noAgent": "5m", "customerWarn": "90s", "retention": "73h"},
			handover.Timers{NoAgent: 5 * time.Minute, CustomerWarn: 90 * time.Second, Max: time.Hour, Retention: 73 * time.Hour},
			nil,
		},
		"default and off": {map[string]any{"noAgent": 0, "customerIdle": -1, "agentIdle": "-1", "max": "0"}, handover.Timers{CustomerIdle: -1, AgentIdle: -1}, nil},
		"null":            {map[string]any{"max": nil}, before, nil},
		"no unit":         {map[string]any{"noAgent": 300}, before, []string{"Timers.noAgent", "300", "unit"}},
		"too short":       {map[string]any{"noAgent": "20ms"}, before, []string{"Timers.NoAgent", "20ms", "1s"}},
		"not a duration":  {map[string]any{"max": "a day"}, before, []string{"Timers.max", "a day", "5m"}},
		"unknown name":    {map[string]any{"noAgnet": "5m"}, before, []string{"noAgnet", "noAgent"}},
		"two mistakes":    {map[string]any{"noAgent": "x", "max": "y"}, before, []string{"noAgent", "max"}},
		"a list":          {map[string]any{"max": []any{"5m"}}, before, []string{"Timers.max"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := json.Marshal(c.values)
			require.NoError(t, err)
			fromJSON, fromYAML := before, before
			for _, err := range []error{json.Unmarshal(text, &fromJSON), fromYAML.UnmarshalYAML(yamlOf(c.values))} {
				if c.err == nil {
					require.NoError(t, err)
				}
				for _, want := range c.err {
					require.ErrorContains(t, err, want)
				}
			}
			if c.err != nil {
				c.want = before
			}
			require.Equal(t, c.want, fromJSON)
			require.Equal(t, c.want, fromYAML)
		})
	}
}

// TestTimersRoundTrip checks that written timers can be read.
func TestTimersRoundTrip(t *testing.T) {
	t.Parallel()
	want := handover.Timers{NoAgent: 5 * time.Minute, CustomerIdle: -1, Max: 90 * time.Minute}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	require.JSONEq(t, `{"noAgent": "5m0s", "customerIdle": "-1ns", "max": "1h30m0s"}`, string(text))
	var got handover.Timers
	require.NoError(t, json.Unmarshal(text, &got))
	require.Equal(t, want, got)
	require.Error(t, json.Unmarshal([]byte(`[]`), &got))
}
