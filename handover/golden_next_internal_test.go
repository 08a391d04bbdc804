package handover

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGoldenRecordsOfTheNextRelease: this release reads them, and rewrites them with all that it does not know.
func TestGoldenRecordsOfTheNextRelease(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(goldenDir(fileFormat+1), "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, names, "write some by hand, with fields that this release does not know")
	for _, at := range names {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			f := readGolden(t, at)
			again, err := f.encode(recordKey(), 8)
			require.NoError(t, err)
			golden, err := os.ReadFile(at) //nolint:gosec // a name of our own
			require.NoError(t, err)
			require.Equal(t, parsed(golden), parsed(again.Data), "numbers included")
		})
	}
}

// TestGoldenRecordsOfALaterRelease cannot be read, and nothing of them is told.
func TestGoldenRecordsOfALaterRelease(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(goldenDir(fileFormat+2), "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, at := range names {
		data, err := os.ReadFile(at) //nolint:gosec // a name of our own
		require.NoError(t, err)
		_, err = decode(Record{Key: recordKey(), Data: data})
		require.ErrorIs(t, err, errUnreadable)
		require.NotContains(t, err.Error(), "c2VjcmV0")
	}
}
