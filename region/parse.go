package region

import (
	"errors"
	"fmt"
	"strings"
)

const (
	customPrefix = "custom:"
	// maxText bounds what Parse looks at; the longest real input is an apps URL with a long fragment.
	maxText = 4096
	// maxDomain leaves room for "login." in the 253 characters a host name may have (RFC 1035, section 2.3.4).
	maxDomain = 253 - len("login.")
	maxLabel  = 63
)

// Parse reads what people paste: a code ("eu-west-1", "EU_WEST_1"), a domain ("mypurecloud.ie"), or an API, login or
// apps host or URL with whatever follows it ("https://apps.mypurecloud.ie:443/directory/#/x"). Case, surrounding
// spaces, quotes, a trailing slash or dot do not matter. Other hosts of a domain are not accepted: help.mypurecloud.com
// serves customers of every region.
//
// "custom:xyz1.pure.cloud" is a region that the table does not know, as [Custom] makes it; only with that prefix, so
// that a typing error never becomes a host that credentials are sent to.
//
// Anything else is an error that names the nearest known regions. The error quotes the host only, never what stood
// before or after it in a URL, because that may be a credential.
func Parse(s string) (Region, error) {
	if len(s) > maxText {
		return "", fmt.Errorf("region: text of %d bytes is too long (limit %d): write a code such as %q", len(s), maxText, EUWest1)
	}
	text := strings.ToLower(unquote(s))
	if text == "" {
		return "", fmt.Errorf("region: empty: write a code such as %q or a domain such as %q", EUWest1, EUWest1.Domain())
	}
	if domain, ok := strings.CutPrefix(text, customPrefix); ok {
		return Custom(domain)
	}
	if r := Region(strings.ReplaceAll(text, "_", "-")); known(r) {
		return r, nil
	}
	host := hostOf(text)
	if r, ok := byDomain(base(host)); ok {
		return r, nil
	}
	if r := Region(host); known(r) { // "eu-west-1/" and "eu-west-1."
		return r, nil
	}
	return "", unknown(host)
}

// Custom makes a region of a domain that this table does not know yet ("xyz1.pure.cloud"): Genesys opens about one a
// year. The prefixes api., login. and apps. are taken off. A domain of the table gives the region of the table.
//
// The result is spelled "custom:" and the domain. A stored custom region stays valid when a later release adds its domain
// to the table; Parse then reads it as the region of the table.
//
// Custom refuses what is not a host name of at least two labels: schemes, paths, ports, user names, IP addresses.
// Credentials are sent to this domain, so take it from configuration, never from a request.
func Custom(domain string) (Region, error) {
	d := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(domain)), ".")
	if err := checkDomain(d); err != nil {
		return "", fmt.Errorf("region: custom domain: %w", err)
	}
	d = base(d)
	if r, ok := byDomain(d); ok {
		return r, nil
	}
	return Region(customPrefix + d), nil
}

// UnmarshalText is [Parse], for JSON, YAML, flags and environments, with one difference: empty text is the zero
// Region, so that a field left empty survives being written and read. On an error r is unchanged.
func (r *Region) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*r = ""
		return nil
	}
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// MarshalText returns r as it is; it never fails. flag.TextVar needs it.
func (r Region) MarshalText() ([]byte, error) { return []byte(r), nil }

func known(r Region) bool {
	_, ok := lookup(r)
	return ok
}

func byDomain(domain string) (Region, bool) {
	for _, r := range All() {
		if r.Domain() == domain {
			return r, true
		}
	}
	return "", false
}

// unquote takes off spaces, quotes and the angle brackets mail programs put around URLs.
func unquote(s string) string {
	return strings.Trim(s, " \t\r\n\v\f\u00a0\u200b\ufeff\"'`<>“”‘’„‚«»")
}

// hostOf finds the host of a URL or of a host with a port and a path, the way a browser would: what stands before
// an "@" is a user name, and a backslash ends the host too.
func hostOf(s string) string {
	if _, after, ok := strings.Cut(s, "://"); ok {
		s = after
	}
	s = strings.TrimPrefix(s, "//")
	if i := strings.IndexAny(s, `/\?#`); i >= 0 {
		s = s[:i]
	}
	s = s[strings.LastIndexByte(s, '@')+1:]
	s, _, _ = strings.Cut(s, ":")
	return strings.TrimSuffix(strings.TrimSpace(s), ".")
}

// base takes the prefixes of Genesys' hosts off, all of them, so that its result is stable; at least two labels stay.
func base(host string) string {
	for {
		prefix, rest, _ := strings.Cut(host, ".")
		if (prefix != "api" && prefix != "login" && prefix != "apps") || !strings.Contains(rest, ".") {
			return host
		}
		host = rest
	}
}

// checkDomain wants lower case. Its errors quote nothing: what was pasted may be a URL with credentials.
func checkDomain(d string) error {
	switch {
	case d == "":
		return errors.New(`empty: write the base domain, such as "xyz1.pure.cloud"`)
	case strings.Contains(d, "://") || strings.ContainsAny(d, `/\?#`):
		return errors.New(`a URL: write the domain alone, without scheme and path, such as "xyz1.pure.cloud"`)
	case strings.Contains(d, "@"):
		return errors.New("a user name before the host: write the domain alone")
	case strings.Contains(d, ":"):
		return errors.New("a port or an IPv6 address: write the domain alone")
	case len(d) > maxDomain:
		return fmt.Errorf("%d characters is too long (limit %d)", len(d), maxDomain)
	}
	labels := strings.Split(d, ".")
	if len(labels) < 2 {
		return errors.New(`one label only: write the whole domain, such as "xyz1.pure.cloud"`)
	}
	for i, label := range labels {
		if !isLabel(label) {
			return fmt.Errorf("label %d is not a host name label: 1 to %d of a-z, 0-9 and inner hyphens", i+1, maxLabel)
		}
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return errors.New("an IP address: write the domain, as TLS and the other hosts need it")
	}
	return nil
}

func isLabel(s string) bool {
	if s == "" || len(s) > maxLabel || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
