package region

import "strings"

// A Region is the region of a Genesys Cloud organisation, named by its AWS code ("eu-west-1").
//
// A region that is not in the table is written as "custom:" and its base domain
// ("custom:xyz1.pure.cloud"); see [Custom]. Both forms are plain text, so a Region keeps its value
// in JSON, YAML, flags, environments and database/sql columns. Converting a string (Region(s)) or
// scanning a column does not check it: use [Region.Valid] or [Parse].
//
// The zero value is not a region, and every API that takes a Region refuses it. A Region is a value
// and safe for concurrent use.
type Region string

// The regions of August 2026. No page of Genesys lists names of the places, so the comments use
// those of AWS.
const (
	USEast1 Region = "us-east-1" // N. Virginia
	// Ohio; FedRAMP (UNCERTAIN: inferred from its us-gov domain).
	USEast2      Region = "us-east-2"
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

// All returns every region of the table, sorted by code. The caller may change the slice.
func All() []Region {
	return []Region{
		APNortheast1, APNortheast2, APNortheast3, APSouth1, APSoutheast1, APSoutheast2, CACentral1, EUCentral1, EUCentral2,
		EUWest1, EUWest2, EUSCDEEast1, MECentral1, MXCentral1, SAEast1, USEast1, USEast2, USWest2,
	}
}

// An entry is a row of the table.
type entry struct{ domain, place string }

// lookup is the table. It is a switch, so that no code can change it.
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

// Domain returns the base domain, "mypurecloud.ie", or "" if r is not valid.
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

// Place returns the AWS name of the place, "Ireland", for forms and lists. It is empty for a custom
// region. The names may change in any release: do not store them.
func (r Region) Place() string {
	e, _ := lookup(r)
	return e.place
}

// API returns the base URL of the platform API, "https://api.mypurecloud.ie", or "" if r is not
// valid.
func (r Region) API() string { return r.host("api.") }

// Login returns the base URL of the token endpoint, "https://login.mypurecloud.ie", or "" if r is
// not valid.
func (r Region) Login() string { return r.host("login.") }

// Apps returns the base URL of the web applications, "https://apps.mypurecloud.ie", or "" if r is
// not valid. It is UNCERTAIN for the sovereign cloud, where the pattern is not confirmed.
func (r Region) Apps() string { return r.host("apps.") }

func (r Region) host(prefix string) string {
	domain := r.Domain()
	if domain == "" {
		return ""
	}
	return "https://" + prefix + domain
}
