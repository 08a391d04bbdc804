package genesys

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/genesyshandover/genesyshandover/internal/httpx"
)

// downloadTimeout bounds a download with the default client, body included; a context may bound it further.
const downloadTimeout = 5 * time.Minute

// ownHost: may the token be sent there? Over plain http only where the host named that endpoint itself.
func (c *core) ownHost(u *url.URL) bool {
	for _, e := range []*url.URL{c.api, c.login} {
		if u.Scheme == e.Scheme && strings.EqualFold(u.Host, e.Host) {
			return true
		}
	}
	if u.Scheme != "https" || u.Port() != "" && u.Port() != "443" {
		return false
	}
	for _, prefix := range []string{"api.", "apps.", "api-downloads."} {
		if strings.EqualFold(u.Hostname(), prefix+c.region.Domain()) {
			return true
		}
	}
	return false
}

// checkAddress judges what can be judged without resolving the name.
func checkAddress(u *url.URL, own bool) error {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	switch {
	case own:
		return nil
	case u.Scheme != "https":
		return fmt.Errorf("%w: it must be https", ErrBadAddress)
	case host == "" || u.User != nil:
		return fmt.Errorf("%w: it has no host, or a user", ErrBadAddress)
	case !strings.Contains(host, ".") && !strings.Contains(host, ":"),
		strings.HasSuffix(host, ".localhost"), strings.HasSuffix(host, ".local"), strings.HasSuffix(host, ".internal"):
		return fmt.Errorf("%w: its host is a private name", ErrBadAddress)
	}
	if ip, err := netip.ParseAddr(host); err == nil && !public(ip) {
		return fmt.Errorf("%w: it is a private one", ErrBadAddress)
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if _, err := strconv.ParseUint(last, 0, 64); err == nil && net.ParseIP(host) == nil {
		return fmt.Errorf("%w: its host is an unusual form of a number", ErrBadAddress) // 0x7f.1 is 127.0.0.1 to some
	}
	return nil
}

// public leaves out what no attachment of Genesys lives at: private, loopback, link-local (cloud metadata), shared (RFC 6598),
// benchmarking, documentation, multicast and unspecified addresses, and IPv6 forms that carry an IPv4 address inside.
func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if ip.Zone() != "" || !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}
	for _, cidr := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		if netip.MustParsePrefix(cidr).Contains(ip) {
			return false
		}
	}
	return true
}

// downloader follows no redirect by itself. Our own transport gets a dialer that looks at the resolved address, so that a
// name cannot point inward, and no proxy, which would resolve it out of sight.
func (c *core) downloader(own bool) *http.Client {
	hc := *c.direct
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	hc.Jar = nil
	if c.own {
		hc.Timeout = max(hc.Timeout, downloadTimeout)
		if !own {
			hc.Transport = guarded()
		}
	}
	return &hc
}

func guarded() *http.Transport {
	t := httpx.NewTransport()
	t.Proxy = nil
	t.DisableKeepAlives = true // the transport serves one download
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil || !public(ap.Addr()) {
			return ErrBadAddress
		}
		return nil
	}}
	t.DialContext = dialer.DialContext
	return t
}
