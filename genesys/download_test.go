package genesys_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/region"
)

// files answers by URL: a body, or a redirect, or "401" until the request has a token.
func files(tb testing.TB, byURL map[string]string) *wire {
	tb.Helper()
	return &wire{handle: func(w http.ResponseWriter, r *http.Request) {
		content, ok := byURL[r.URL.String()]
		switch to, redirect := strings.CutPrefix(content, "-> "); {
		case !ok:
			answer(w, http.StatusNotFound, `{"code":"not.found"}`)
		case redirect:
			http.Redirect(w, r, to, http.StatusFound)
		case strings.HasPrefix(content, "locked ") && r.Header.Get("Authorization") == "":
			answer(w, http.StatusUnauthorized, "{}")
		default:
			kind, body, _ := strings.Cut(strings.TrimPrefix(content, "locked "), " ")
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, body)
		}
	}}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	const (
		public = "https://files.example/a.png"
		own    = "https://api-downloads.mypurecloud.ie/a.png"
	)
	all := map[string]string{
		public:                                    "image/png 0123456789",
		own:                                       "image/png own",
		"https://api.mypurecloud.ie/locked":       "locked image/png secret picture",
		"https://files.example/locked":            "locked image/png somebody else's",
		"https://files.example/octets":            "application/octet-stream octets",
		"https://files.example/page":              "text/html;charset=utf-8 <html>",
		"https://files.example/to-public":         "-> " + public,
		"https://files.example/to-private":        "-> https://169.254.169.254/latest/meta-data",
		"https://files.example/to-http":           "-> http://files.example/a.png",
		"https://files.example/for-ever":          "-> https://files.example/for-ever",
		"https://api.mypurecloud.ie/to-public":    "-> https://files.example/locked",
		"https://files.example/to-own":            "-> https://api.mypurecloud.ie/locked",
		"https://api.mypurecloud.ie.evil.example": "locked image/png evil",
		"http://api.mypurecloud.ie/locked":        "locked image/png plain",
		"https://api.mypurecloud.ie:8443/locked":  "locked image/png other port",
	}
	pictures := genesys.DownloadLimits{MIME: []string{"image/*"}}
	tests := map[string]struct {
		attachment openmessaging.Attachment
		limits     genesys.DownloadLimits
		want       string
		err        error
		status     int
		tokens     int // requests with the token
	}{
		"a public file":                     {openmessaging.Attachment{URL: public, MIME: "image/png"}, pictures, "0123456789", nil, 0, 0},
		"exactly the limit":                 {openmessaging.Attachment{URL: public}, genesys.DownloadLimits{Bytes: 10}, "0123456789", nil, 0, 0},
		"one byte over":                     {openmessaging.Attachment{URL: public}, genesys.DownloadLimits{Bytes: 9}, "", genesys.ErrTooLarge, 0, 0},
		"declared too large":                {openmessaging.Attachment{URL: public, Size: 11}, genesys.DownloadLimits{Bytes: 10}, "", genesys.ErrTooLarge, 0, 0},
		"a negative limit":                  {openmessaging.Attachment{URL: public}, genesys.DownloadLimits{Bytes: -1}, "", errAny, 0, 0},
		"the declared type":                 {openmessaging.Attachment{URL: public, MIME: "text/html"}, pictures, "", genesys.ErrType, 0, 0},
		"no declared type":                  {openmessaging.Attachment{URL: public}, pictures, "", genesys.ErrType, 0, 0},
		"the served type":                   {openmessaging.Attachment{URL: "https://files.example/page", MIME: "image/png"}, pictures, "", genesys.ErrType, 0, 0},
		"a served type that says nothing":   {openmessaging.Attachment{URL: "https://files.example/octets", MIME: "image/png"}, pictures, "octets", nil, 0, 0},
		"an exact type, in capitals":        {openmessaging.Attachment{URL: public, MIME: "IMAGE/PNG"}, genesys.DownloadLimits{MIME: []string{"Image/png"}}, "0123456789", nil, 0, 0},
		"own host, no token needed":         {openmessaging.Attachment{URL: own}, genesys.DownloadLimits{}, "own", nil, 0, 0},
		"own host, token wanted":            {openmessaging.Attachment{URL: "https://api.mypurecloud.ie/locked"}, genesys.DownloadLimits{}, "secret picture", nil, 0, 1},
		"another host gets no token":        {openmessaging.Attachment{URL: "https://files.example/locked"}, genesys.DownloadLimits{}, "", nil, 401, 0},
		"a look-alike gets no token":        {openmessaging.Attachment{URL: "https://api.mypurecloud.ie.evil.example"}, genesys.DownloadLimits{}, "", nil, 401, 0},
		"another port gets no token":        {openmessaging.Attachment{URL: "https://api.mypurecloud.ie:8443/locked"}, genesys.DownloadLimits{}, "", nil, 401, 0},
		"own host without TLS":              {openmessaging.Attachment{URL: "http://api.mypurecloud.ie/locked"}, genesys.DownloadLimits{}, "", genesys.ErrBadAddress, 0, 0},
		"a redirect is followed":            {openmessaging.Attachment{URL: "https://files.example/to-public"}, genesys.DownloadLimits{}, "0123456789", nil, 0, 0},
		"a redirect to a private address":   {openmessaging.Attachment{URL: "https://files.example/to-private"}, genesys.DownloadLimits{}, "", genesys.ErrBadAddress, 0, 0},
		"a redirect to plain http":          {openmessaging.Attachment{URL: "https://files.example/to-http"}, genesys.DownloadLimits{}, "", genesys.ErrBadAddress, 0, 0},
		"a redirect for ever":               {openmessaging.Attachment{URL: "https://files.example/for-ever"}, genesys.DownloadLimits{}, "", genesys.ErrBadAddress, 0, 0},
		"a redirect does not take it along": {openmessaging.Attachment{URL: "https://api.mypurecloud.ie/to-public"}, genesys.DownloadLimits{}, "", nil, 401, 0},
		"a redirect to us may have it":      {openmessaging.Attachment{URL: "https://files.example/to-own"}, genesys.DownloadLimits{}, "secret picture", nil, 0, 1},
		"not there":                         {openmessaging.Attachment{URL: "https://files.example/none"}, genesys.DownloadLimits{}, "", genesys.ErrNotFound, 404, 0},
		"no URL":                            {openmessaging.Attachment{URL: "\x00"}, genesys.DownloadLimits{}, "", genesys.ErrBadAddress, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := files(t, all)
			body, err := w.client(t).Download(t.Context(), tt.attachment, tt.limits)
			var got []byte
			if err == nil {
				got, err = io.ReadAll(body)
				require.NoError(t, body.Close())
			}
			with := 0
			for _, r := range w.all() {
				if r.Authorization != "" {
					with++
					require.Equal(t, "api.mypurecloud.ie", r.Host)
				}
			}
			require.Equal(t, tt.tokens, with)
			switch {
			case tt.err == nil && tt.status == 0:
				require.NoError(t, err)
				require.Equal(t, tt.want, string(got))
				return
			case tt.status != 0:
				e, ok := errors.AsType[*genesys.Error](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, tt.status, e.StatusCode)
			default:
				require.Error(t, err)
			}
			if tt.err != nil && !errors.Is(tt.err, errAny) {
				require.ErrorIs(t, err, tt.err)
			}
			require.NotContains(t, err.Error(), "files.example")
		})
	}
}

var errAny = errors.New("any")

func TestDownloadRefusesPrivateAddresses(t *testing.T) {
	t.Parallel()
	w := files(t, nil)
	c := w.client(t)
	for _, address := range []string{
		"https://127.0.0.1/x", "https://10.1.2.3/x", "https://172.16.0.1/", "https://192.168.1.1/", "https://169.254.169.254/",
		"https://100.64.0.1/", "https://0.0.0.0/", "https://[::1]/", "https://[fe80::1]/", "https://[fd00::1]/", "https://[::ffff:10.0.0.1]/",
		"https://[64:ff9b::a00:1]/", "https://224.0.0.1/", "https://255.255.255.255/", "https://localhost/", "https://LOCALHOST./x",
		"https://metadata.google.internal/", "https://printer.local/", "https://intranet/", "https://2130706433/", "https://0x7f.1/",
		"https://user:pass@files.example/", "ftp://files.example/", "file:///etc/passwd", "//files.example/", "", "https:///x",
	} {
		_, err := c.Download(t.Context(), openmessaging.Attachment{URL: address}, genesys.DownloadLimits{})
		require.ErrorIs(t, err, genesys.ErrBadAddress, address)
		require.Equal(t, genesys.EffectNone, genesys.EffectOf(err))
	}
	require.Empty(t, w.all())
}

// The default transport looks at the address it connects to, after the name was resolved.
func TestDownloadDialsNoPrivateAddress(t *testing.T) {
	t.Parallel()
	c, err := genesys.New(region.EUWest1, genesys.TokenSource(tokenOf("t")))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Download(ctx, openmessaging.Attachment{URL: "https://files.example/x"}, genesys.DownloadLimits{})
	require.ErrorIs(t, err, context.Canceled)
}
