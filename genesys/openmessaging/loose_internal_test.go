package openmessaging

import (
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// The field-by-field decoder must read what the one-pass decoder reads. Otherwise one bad field
// would change the good ones.
func TestBothDecodersReadTheSame(t *testing.T) {
	t.Parallel()
	dir := os.DirFS("testdata")
	files, err := fs.Glob(dir, "*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		t.Run(f, func(t *testing.T) {
			t.Parallel()
			b, err := fs.ReadFile(dir, f)
			require.NoError(t, err)
			fast, err := ParseOutbound(b)
			require.NoError(t, err)
			slow, err := parseLoose(b)
			require.NoError(t, err)
			require.Equal(t, fast, slow)
		})
	}
}

func TestTypesAreConverted(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`5`: `"5"`, `1.50`: `"1.50"`, `"x"`: `"x"`, `"true"`: `true`, `true`: `true`, `null`: `null`, `{`: `{`,
		`{"a":[1,{"duration":"3","b":2}]}`: `{"a":["1",{"b":"2","duration":3}]}`,
		`{"duration":"x"}`:                 `{"duration":"x"}`,
		`{"duration":"Inf"}`:               `{"duration":"Inf"}`,
		`{"Latitude":" 1.25 "}`:            `{"Latitude":1.25}`,
		`{"duration":1e2}`:                 `{"duration":100}`,
		`{"duration":1e400}`:               `{"duration":1e400}`,
	} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, string(convertTypes([]byte(in))))
		})
	}
}

func TestNumberParsesEverySpelling(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{
		``: 0, `5`: 5, `"5"`: 5, `5.9`: 5, `-1`: 0, `"NaN"`: 0, `"Inf"`: 1 << 53, `{}`: 0, `null`: 0, `1e300`: 1 << 53,
	} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, number([]byte(in)))
		})
	}
}
