package contract_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/internal/integration/contract"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRecorderKeepsBothBodiesAndPassesThemOn(t *testing.T) {
	t.Parallel()
	recorder := contract.NewRecorder(roundTripper(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Equal(t, "question", string(body))
		return &http.Response{
			StatusCode: http.StatusTeapot, Header: http.Header{"X-Test": {"1"}},
			Body: io.NopCloser(strings.NewReader("answer")),
		}, nil
	}))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.com/a", strings.NewReader("question"))
	require.NoError(t, err)
	res, err := (&http.Client{Transport: recorder}).Do(req)
	require.NoError(t, err)
	got, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, "answer", string(got))

	seen := recorder.Exchanges()
	require.Len(t, seen, 1)
	require.Equal(t, "question", string(seen[0].RequestBody))
	require.Equal(t, "answer", string(seen[0].ResponseBody))
	require.Equal(t, http.StatusTeapot, seen[0].Status)
	require.Equal(t, "1", seen[0].Header.Get("X-Test"))
}

func TestRecorderPassesTransportErrorsOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	recorder := contract.NewRecorder(roundTripper(func(*http.Request) (*http.Response, error) { return nil, broken }))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/a", http.NoBody)
	require.NoError(t, err)
	_, err = recorder.RoundTrip(req) //nolint:bodyclose // there is no response
	require.ErrorIs(t, err, broken)
	require.Empty(t, recorder.Exchanges())
}
