package record

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGoldenRecordsOfTheNextRelease checks that this release reads them, and rewrites them with all
// unknown fields.
func TestGoldenRecordsOfTheNextRelease(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(goldenDir(CurrentFormat+1), "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, names, "write some by hand, with fields that this release does not know")
	for _, at := range names {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			f := readGolden(t, at)
			again, err := f.Encode(recordKey(), 8)
			require.NoError(t, err)
			golden, err := os.ReadFile(at) //nolint:gosec // a name of our own
			require.NoError(t, err)
			require.Equal(t, parsed(golden), parsed(again.Data), "numbers included")
		})
	}
}

// TestGoldenRecordsOfALaterRelease checks that such a record is refused with an error that contains
// nothing of it.
func TestGoldenRecordsOfALaterRelease(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(goldenDir(CurrentFormat+2), "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, at := range names {
		data, err := os.ReadFile(at) //nolint:gosec // a name of our own
		require.NoError(t, err)
		_, err = Decode(Stored{Key: recordKey(), Data: data})
		require.ErrorIs(t, err, ErrUnreadable)
		require.NotContains(t, err.Error(), "c2VjcmV0")
	}
}

// parsed reads JSON and keeps its numbers as they are written.
func parsed(data []byte) any {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		panic(err)
	}
	return tree
}
