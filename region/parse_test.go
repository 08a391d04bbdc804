package region_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/region"
)

func TestParseWhatPeoplePaste(t *testing.T) {
	t.Parallel()
	for r, domain := range table() {
		for _, format := range []string{
			"CODE", " CODE\n", `"CODE"`, "CODE/", "DOMAIN", "DOMAIN.", "DOMAIN/", "api.DOMAIN", "login.DOMAIN", "apps.DOMAIN",
			"https://api.DOMAIN", "https://api.DOMAIN/", "http://login.DOMAIN/oauth/token", "https://apps.DOMAIN:443/directory/#/x",
			"https://user:pass@api.DOMAIN/api/v2?x=y", "//api.DOMAIN", "'https://DOMAIN'", "<https://login.DOMAIN>", "\u00a0“DOMAIN”\u00a0",
			"DOMAIN:443", "api.DOMAIN?x", "custom:DOMAIN", "https://apps.DOMAIN#access_token=x",
		} {
			text := strings.NewReplacer("CODE", string(r), "DOMAIN", domain).Replace(format)
			for _, s := range []string{text, strings.ToUpper(text)} {
				got, err := region.Parse(s)
				require.NoError(t, err, s)
				require.Equal(t, r, got, s)
			}
		}
	}
	got, err := region.Parse("eu_west_1") // as Genesys' JavaScript client spells it
	require.NoError(t, err)
	require.Equal(t, region.EUWest1, got)
}

func TestParseUnknown(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"", `region: empty: write a code such as "eu-west-1" or a domain such as "mypurecloud.ie"`},
		{` "" `, `region: empty: write a code such as "eu-west-1" or a domain such as "mypurecloud.ie"`},
		{"us-west-1", `region: "us-west-1" is not a known region; did you mean us-west-2 (usw2.pure.cloud, Oregon) or eu-west-1 (mypurecloud.ie, Ireland) or us-east-1 (mypurecloud.com, N. Virginia)?`},
		{"mypureclod.de", `region: "mypureclod.de" is not a known region (if it is newer than this release, write "custom:<domain>", see Custom); did you mean eu-central-1 (mypurecloud.de, Frankfurt) or eu-west-1 (mypurecloud.ie, Ireland) or ap-northeast-1 (mypurecloud.jp, Tokyo)?`},
		{"irland", `region: "irland" is not a known region; did you mean eu-west-1 (mypurecloud.ie, Ireland)?`},
		{"https://api.euw3.pure.cloud/x", `see Custom); did you mean eu-west-2 (euw2.pure.cloud, London)`},
		{"example.com", `region: "example.com" is not a known region (if it is newer than this release, write "custom:<domain>", see Custom); write a code such as "eu-west-1" or a domain such as "mypurecloud.ie"`},
		{"https://help.mypurecloud.com/articles", `region: "help.mypurecloud.com" is not a known region`},
		{"https://api.mypurecloud.ie@example.com/", `region: "example.com" is not a known region`},
		{`https://example.com\@api.mypurecloud.ie`, `region: "example.com" is not a known region`},
		{"api.mypurecloud.ie.example.com", `region: "api.mypurecloud.ie.example.com" is not a known region`},
		{"https://", `region: "" is not a known region`},
		{strings.Repeat("x", 43), "region: a text of 43 bytes is not a known region; write a code"},
		{strings.Repeat("x", 5000), "region: text of 5000 bytes is too long (limit 4096)"},
	}
	for _, test := range tests {
		t.Run(test.in[:min(len(test.in), 30)], func(t *testing.T) {
			t.Parallel()
			got, err := region.Parse(test.in)
			require.Empty(t, got)
			require.ErrorContains(t, err, test.want)
			_, again := region.Parse(test.in)
			require.EqualError(t, again, err.Error())
		})
	}
}

func TestParseErrorShowsNoCredential(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"https://user:hunter2@example.com/", "https://example.com/#access_token=hunter2", "https://example.com?key=hunter2",
		"custom:https://user:hunter2@example.com/", "custom:hunter2@example.com", strings.Repeat("hunter2", 7),
	} {
		_, err := region.Parse(in)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2", in)
	}
}

func TestCustom(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in, want, err string
	}{
		{"xyz1.pure.cloud", "custom:xyz1.pure.cloud", ""},
		{" API.XYZ1.pure.cloud. ", "custom:xyz1.pure.cloud", ""},
		{"login.xyz1.pure.cloud", "custom:xyz1.pure.cloud", ""},
		{"apps.api.xyz1.pure.cloud", "custom:xyz1.pure.cloud", ""},
		{"api.cloud", "custom:api.cloud", ""},
		{"mypurecloud.ie", "eu-west-1", ""},
		{"api.mypurecloud.ie", "eu-west-1", ""},
		{"", "", "empty"},
		{"cloud", "", "one label only"},
		{"https://xyz1.pure.cloud", "", "a URL"},
		{"xyz1.pure.cloud/path", "", "a URL"},
		{"xyz1.pure.cloud?x", "", "a URL"},
		{"xyz1.pure.cloud:443", "", "a port"},
		{"me@xyz1.pure.cloud", "", "a user name"},
		{"10.0.0.1", "", "an IP address"},
		{"::1", "", "a port or an IPv6 address"},
		{"a..cloud", "", "label 2 is not a host name label"},
		{"-a.cloud", "", "label 1 is not a host name label"},
		{"a-.cloud", "", "label 1 is not a host name label"},
		{"a b.cloud", "", "label 1 is not a host name label"},
		{"ä.cloud", "", "label 1 is not a host name label"},
		{"a\x00.cloud", "", "label 1 is not a host name label"},
		{strings.Repeat("a", 64) + ".cloud", "", "label 1 is not a host name label: 1 to 63"},
		{strings.Repeat("a.", 130) + "cloud", "", "265 characters is too long (limit 247)"},
		{"custom:xyz1.pure.cloud", "", "a port"},
	}
	for _, test := range tests {
		t.Run(test.in[:min(len(test.in), 30)], func(t *testing.T) {
			t.Parallel()
			got, err := region.Custom(test.in)
			require.Equal(t, region.Region(test.want), got)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			require.True(t, got.Valid())
			parsed, err := region.Parse(string(got))
			require.NoError(t, err)
			require.Equal(t, got, parsed)
		})
	}
}

func TestCustomHosts(t *testing.T) {
	t.Parallel()
	r, err := region.Custom("api.xyz1.pure.cloud")
	require.NoError(t, err)
	require.Equal(t, "xyz1.pure.cloud", r.Domain())
	require.Equal(t, "https://api.xyz1.pure.cloud", r.API())
	require.Equal(t, "https://login.xyz1.pure.cloud", r.Login())
	require.Equal(t, "https://apps.xyz1.pure.cloud", r.Apps())
	require.Empty(t, r.Place())
}

// A custom region that was stored before the table learnt its domain keeps working, and is read as
// the table's.
func TestStoredCustomRegionOutlivesTheTable(t *testing.T) {
	t.Parallel()
	old := region.Region("custom:mypurecloud.ie")
	require.True(t, old.Valid())
	require.Equal(t, region.EUWest1.API(), old.API())
	got, err := region.Parse(string(old))
	require.NoError(t, err)
	require.Equal(t, region.EUWest1, got)
}

func FuzzParse(f *testing.F) {
	for _, r := range region.All() {
		f.Add(string(r))
		f.Add(r.API() + "/x")
	}
	for _, s := range []string{
		"", "custom:xyz1.pure.cloud", "custom:api.api.b.c", "custom:api.", "https://u:p@h:1/p?q#f", "“”", "\xff", "a@b@c", "custom:custom:a.b",
		"us-west-1", strings.Repeat("é", 20),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := region.Parse(s)
		if err != nil {
			require.Empty(t, r)
			require.Less(t, len(err.Error()), 1000)
			return
		}
		require.True(t, r.Valid(), r)
		for _, text := range []string{string(r), r.Domain(), r.API(), r.Login(), r.Apps()} {
			if !strings.HasPrefix(string(r), "custom:") || text == string(r) {
				again, err := region.Parse(text)
				require.NoError(t, err)
				require.Equal(t, r, again)
			}
		}
	})
}
