package genesystest_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

// recordedCalls makes the requests that are recorded and replayed.
func recordedCalls(api *raw) (statuses []int, conversation string) {
	status, _ := api.do(http.MethodGet, queuesPath+"?name=Bot", "")
	statuses = append(statuses, status)
	status, body := api.do(http.MethodPost, api.inbound("message")+"?prefetchConversationId=true", api.message("c1", "hello & <bye>"))
	statuses = append(statuses, status)
	conversation, _ = body["conversationId"].(string)
	status, _ = api.do(http.MethodGet, "/api/v2/conversations/"+conversation, "")
	return append(statuses, status), conversation
}

func TestRecordAndReplay(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "fixtures")
	var want []int
	var conversation string
	org, err := genesystest.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, org.Close()) })
	recording := &raw{
		t: t, org: org, client: &http.Client{Transport: genesystest.Record(org.HTTPClient().Transport, dir)},
		api: org.Channel().Region.API(), login: org.Channel().Region.Login(),
	}
	recording.authorize()
	want, conversation = recordedCalls(recording)
	require.Equal(t, []int{200, 200, 403}, want)

	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	var names []string
	secrets := []string{recording.token, org.Channel().ClientSecret.Reveal(), org.Channel().ClientID, "Bearer", "Basic", "Cleo"}
	for _, f := range files {
		b, err := os.ReadFile(f) //nolint:gosec // a file this test wrote
		require.NoError(t, err)
		for _, secret := range secrets {
			require.NotContains(t, string(b), secret)
		}
		names = append(names, filepath.Base(f))
	}
	require.Equal(t, "0001-POST-oauth-token.json", names[0])
	require.Equal(t, "0002-GET-routing-queues.json", names[1])
	require.Len(t, names, 4)
	b, err := os.ReadFile(files[2])
	require.NoError(t, err)
	require.Contains(t, string(b), `"text": "hello & <bye>"`, "readable")

	synctest.Test(t, func(t *testing.T) { // at another time
		<-time.After(time.Hour)
		s := &spy{ctx: t.Context()}
		replayed := &raw{t: t, org: org, client: withCorrelation(genesystest.Replay(s, dir)), api: recording.api, login: recording.login}
		replayed.authorize()
		require.Equal(t, "redacted", replayed.token)
		got, again := recordedCalls(replayed)
		require.Equal(t, want, got)
		require.Equal(t, conversation, again)
		require.Empty(t, s.failures())

		err := replayCalls(t.Context(), replayed)
		require.ErrorContains(t, err, "was not recorded", "each exchange is used once")
		require.Len(t, s.failures(), 1)
	})
}

func replayCalls(ctx context.Context, api *raw) error {
	res, err := api.client.Do(api.request(ctx, http.MethodGet, queuesPath+"?name=Bot", ""))
	if err != nil {
		return err
	}
	return errors.Join(errors.New("answered"), res.Body.Close())
}

// withCorrelation adds the header to recorded answers that raw checks and files do not hold.
func withCorrelation(c *http.Client) *http.Client {
	base := c.Transport
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		res, err := base.RoundTrip(r)
		if res != nil {
			res.Header.Set("Inin-Correlation-Id", "replayed")
		}
		return res, err
	})}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRecordContinuesNumbering(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "0041-GET-x.json"), []byte("{}"), 0o600))
	base := roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	})
	c := &http.Client{Transport: genesystest.Record(base, dir)}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://h.example/p?client_secret=s", strings.NewReader("client_secret=s&a=b"))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	b, err := os.ReadFile(filepath.Join(dir, "0042-POST-p.json")) //nolint:gosec // a file this test wrote
	require.NoError(t, err)
	require.Contains(t, string(b), `"url": "https://h.example/p?client_secret=redacted"`)
	require.Contains(t, string(b), `"text": "a=b&client_secret=redacted"`)
}

func TestRecordFails(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	base := roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://h.example/p", http.NoBody)
	require.NoError(t, err)
	res, err := genesystest.Record(base, file).RoundTrip(req)
	if res != nil {
		require.NoError(t, res.Body.Close())
	}
	require.ErrorContains(t, err, "genesystest: record")
	broken := errors.New("broken")
	res, err = genesystest.Record(roundTrip(func(*http.Request) (*http.Response, error) { return nil, broken }), file).RoundTrip(req)
	if res != nil {
		require.NoError(t, res.Body.Close())
	}
	require.ErrorIs(t, err, broken)
}

func TestReplayFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.Contains(t, fatalText(t, func(tb genesystest.TB) { genesystest.Replay(tb, dir) }), "replay from")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "1.json"), []byte("{"), 0o600))
	require.Contains(t, fatalText(t, func(tb genesystest.TB) { genesystest.Replay(tb, dir) }), "1.json")
}

func TestRecordPassesSockets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api := dial(t, org)
		api.client = &http.Client{Transport: genesystest.Record(org.HTTPClient().Transport, dir)}
		_, uri := api.channel()
		s := api.open(uri)
		<-time.After(40 * time.Second)
		synctest.Wait()
		require.Len(t, s.events(), 1)
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		require.NoError(t, err)
		require.Len(t, files, 2, "the channel was made and listed")
		for _, f := range files {
			b, err := os.ReadFile(f) //nolint:gosec // a file this test wrote
			require.NoError(t, err)
			require.NotContains(t, string(b), "streaming.", "the address is enough to connect")
		}
	})
}
