// Package region is the table of Genesys Cloud regions and the hosts of each.
//
// A Genesys Cloud organisation lives in exactly one region, and each region has its own domain under which its API,
// login and apps hosts stand. Credentials of one region are unknown in every other, so a wrong region looks like a
// wrong password; that is why [Parse] is generous with spelling and strict with what it does not know.
//
// The table is closed. A region that is newer than this release is written down explicitly, with [Custom] or as
// "custom:<domain>". Domains as in Genesys' own clients, August 2026:
// https://github.com/MyPureCloud/platform-client-sdk-javascript/blob/e09e27aa/build/src/purecloud-platform-client-v2/PureCloudRegionHosts.js
package region

import "strings"

// A Region is where a Genesys Cloud organisation lives, named by its AWS code ("eu-west-1").
//
// A region that is not in the table is spelled "custom:" and its base domain ("custom:xyz1.pure.cloud"); [Custom]
// makes one. Both spellings are plain text, so a Region goes through JSON, YAML, flags, environments and
// database/sql columns and comes back the same. Converting a string (Region(s)), and scanning a column, does not
// check it: ask [Region.Valid], or use [Parse].
//
// The zero value is no region; every API that takes one refuses it. A Region is a value and safe for concurrent use.
type Region string

// The regions of August 2026. Genesys' page of region names was not found, so places carry the names AWS uses.
const (
	USEast1      Region = "us-east-1"      // N. Virginia
	USEast2      Region = "us-east-2"      // Ohio; FedRAMP (UNCERTAIN: inferred from its us-gov domain)
	USWest2      Region = "us-west-2"      // Oregon
	CACentral1   Region = "ca-central-1"   // Canada
	MXCentral1   Region = "mx-central-1"   // Mexico
	SAEast1      Region = "sa-east-1"      // São Paulo
	EUWest1      Region = "eu-west-1"      // Ireland
	EUWest2      Region = "eu-west-2"      // London
	EUCentral1   Region = "eu-central-1"   // Frankfurt
	EUCentral2   Region = "eu-central-2"   // Zurich
	EUSCDEEast1  Region = "eusc-de-east-1" // AWS European Sovereign Cloud, Brandenburg
	MECentral1   Region = "me-central-1"   // UAE
	APSouth1     Region = "ap-south-1"     // Mumbai
	APSoutheast1 Region = "ap-southeast-1" // Singapore
	APSoutheast2 Region = "ap-southeast-2" // Sydney
	APNortheast1 Region = "ap-northeast-1" // Tokyo
	APNortheast2 Region = "ap-northeast-2" // Seoul
	APNortheast3 Region = "ap-northeast-3" // Osaka
)

// All lists every region of the table, sorted by code. The slice is the caller's own.
func All() []Region {
	return []Region{
		APNortheast1, APNortheast2, APNortheast3, APSouth1, APSoutheast1, APSoutheast2, CACentral1, EUCentral1, EUCentral2,
		EUWest1, EUWest2, EUSCDEEast1, MECentral1, MXCentral1, SAEast1, USEast1, USEast2, USWest2,
	}
}

// An entry is a row of the table.
type entry struct{ domain, place string }

// lookup is the table; a switch, so that nobody can change it.
func lookup(r Region) (entry, bool) {
	switch r {
	case USEast1:
		return entry{"mypurecloud.com", "N. Virginia"}, true
	case USEast2:
		return entry{"use2.us-gov-pure.cloud", "Ohio (FedRAMP)"}, true
	case USWest2:
		return entry{"usw2.pure.cloud", "Oregon"}, true
	case CACentral1:
		return entry{"cac1.pure.cloud", "Canada"}, true
	case MXCentral1:
		return entry{"mxc1.pure.cloud", "Mexico"}, true
	case SAEast1:
		return entry{"sae1.pure.cloud", "São Paulo"}, true
	case EUWest1:
		return entry{"mypurecloud.ie", "Ireland"}, true
	case EUWest2:
		return entry{"euw2.pure.cloud", "London"}, true
	case EUCentral1:
		return entry{"mypurecloud.de", "Frankfurt"}, true
	case EUCentral2:
		return entry{"euc2.pure.cloud", "Zurich"}, true
	case EUSCDEEast1:
		return entry{"edee1.eusc-pure.cloud", "Brandenburg (AWS European Sovereign Cloud)"}, true
	case MECentral1:
		return entry{"mec1.pure.cloud", "UAE"}, true
	case APSouth1:
		return entry{"aps1.pure.cloud", "Mumbai"}, true
	case APSoutheast1:
		return entry{"apse1.pure.cloud", "Singapore"}, true
	case APSoutheast2:
		return entry{"mypurecloud.com.au", "Sydney"}, true
	case APNortheast1:
		return entry{"mypurecloud.jp", "Tokyo"}, true
	case APNortheast2:
		return entry{"apne2.pure.cloud", "Seoul"}, true
	case APNortheast3:
		return entry{"apne3.pure.cloud", "Osaka"}, true
	default:
		return entry{}, false
	}
}

// Valid reports whether r is in the table or was made by [Custom].
func (r Region) Valid() bool { return r.Domain() != "" }

// Domain is the base domain, "mypurecloud.ie"; empty if r is not valid.
func (r Region) Domain() string {
	if e, ok := lookup(r); ok {
		return e.domain
	}
	domain, ok := strings.CutPrefix(string(r), customPrefix)
	if !ok || checkDomain(domain) != nil || base(domain) != domain {
		return ""
	}
	return domain
}

// Place is the AWS name of the place, "Ireland", for forms and lists. It is empty for a custom region, and may be
// reworded in any release: do not store it.
func (r Region) Place() string {
	e, _ := lookup(r)
	return e.place
}

// API is the base of the platform API, "https://api.mypurecloud.ie"; empty if r is not valid.
func (r Region) API() string { return r.host("api.") }

// Login is the base of the token endpoint, "https://login.mypurecloud.ie"; empty if r is not valid.
func (r Region) Login() string { return r.host("login.") }

// Apps is the base of the web applications, "https://apps.mypurecloud.ie"; empty if r is not valid.
// UNCERTAIN for the sovereign cloud: the pattern is confirmed for the others only.
func (r Region) Apps() string { return r.host("apps.") }

func (r Region) host(prefix string) string {
	domain := r.Domain()
	if domain == "" {
		return ""
	}
	return "https://" + prefix + domain
}
