package machine

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A Time is a number in JSON, and zero is no time.
func TestTime(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 3600)
	at := TimeOf(time.Date(2026, time.November, 22, 13, 0, 0, 1999, zone))
	require.Equal(t, noon().Add(time.Microsecond), at, "without the fraction of a microsecond")
	require.Equal(t, time.Date(2026, time.November, 22, 12, 0, 0, 1000, time.UTC), at.Std())
	require.Zero(t, TimeOf(time.Time{}))
	require.True(t, Time(0).Std().IsZero())
	require.True(t, Time(0).IsZero())
	require.False(t, at.IsZero())

	require.Equal(t, time.Minute, noon().Add(time.Minute).Sub(noon()))
	year9999 := TimeOf(time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC))
	require.Negative(t, noon().Sub(year9999), "longer than a Duration")
	require.Positive(t, year9999.Sub(noon()))
	require.Equal(t, noon(), at.Truncate(time.Millisecond))
	require.True(t, noon().Before(at))
	require.True(t, at.After(noon()))
	require.Equal(t, "12:00:00", at.Format(time.TimeOnly))

	data, err := json.Marshal(struct {
		At   Time `json:"at"`
		None Time `json:"none,omitempty"`
	}{At: at})
	require.NoError(t, err)
	require.JSONEq(t, `{"at":1795348800000001}`, string(data))
}
