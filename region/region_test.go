package region_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/region"
)

// table repeats the public list by hand, so that a slip in the package shows.
func table() map[region.Region]string {
	return map[region.Region]string{
		"us-east-1": "mypurecloud.com", "us-east-2": "use2.us-gov-pure.cloud", "us-west-2": "usw2.pure.cloud",
		"ca-central-1": "cac1.pure.cloud", "mx-central-1": "mxc1.pure.cloud", "sa-east-1": "sae1.pure.cloud",
		"eu-west-1": "mypurecloud.ie", "eu-west-2": "euw2.pure.cloud", "eu-central-1": "mypurecloud.de",
		"eu-central-2": "euc2.pure.cloud", "eusc-de-east-1": "edee1.eusc-pure.cloud", "me-central-1": "mec1.pure.cloud",
		"ap-south-1": "aps1.pure.cloud", "ap-southeast-1": "apse1.pure.cloud", "ap-southeast-2": "mypurecloud.com.au",
		"ap-northeast-1": "mypurecloud.jp", "ap-northeast-2": "apne2.pure.cloud", "ap-northeast-3": "apne3.pure.cloud",
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	require.Len(t, region.All(), 18)
	for r, domain := range table() {
		t.Run(string(r), func(t *testing.T) {
			t.Parallel()
			require.Contains(t, region.All(), r)
			require.True(t, r.Valid())
			require.Equal(t, domain, r.Domain())
			require.Equal(t, "https://api."+domain, r.API())
			require.Equal(t, "https://login."+domain, r.Login())
			require.Equal(t, "https://apps."+domain, r.Apps())
			require.NotEmpty(t, r.Place())
		})
	}
}

func TestAllIsSortedAndFresh(t *testing.T) {
	t.Parallel()
	all := region.All()
	require.True(t, slices.IsSorted(all))
	all[0] = "changed"
	require.NotEqual(t, all, region.All())
}

func TestConstants(t *testing.T) {
	t.Parallel()
	for _, r := range []region.Region{
		region.USEast1, region.USEast2, region.USWest2, region.CACentral1, region.MXCentral1, region.SAEast1, region.EUWest1,
		region.EUWest2, region.EUCentral1, region.EUCentral2, region.EUSCDEEast1, region.MECentral1, region.APSouth1,
		region.APSoutheast1, region.APSoutheast2, region.APNortheast1, region.APNortheast2, region.APNortheast3,
	} {
		require.Contains(t, table(), r)
	}
	require.Contains(t, region.USEast2.Place(), "FedRAMP")
}

func TestNoRegion(t *testing.T) {
	t.Parallel()
	for _, r := range []region.Region{
		"", "EU-WEST-1", "mypurecloud.ie", "us-west-1", "custom:", "custom:cloud", "custom:https://a.b", "custom:UP.cloud",
		"custom:api.xyz1.pure.cloud", "custom:a..b", "custom:10.0.0.1", "custom:xyz1.pure.cloud.",
	} {
		require.False(t, r.Valid(), r)
		require.Empty(t, r.Domain()+r.Place()+r.API()+r.Login()+r.Apps(), r)
	}
}
