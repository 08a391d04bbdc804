package genesys

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// The guard is judged by connecting to loopback, which never leaves the machine.
func TestGuardedTransport(t *testing.T) {
	t.Parallel()
	transport := guarded()
	require.Nil(t, transport.Proxy)
	for _, address := range []string{"http://127.0.0.1:9/", "http://[::1]:9/"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		require.NoError(t, err)
		resp, err := transport.RoundTrip(req)
		if resp != nil {
			_ = resp.Body.Close()
		}
		require.ErrorIs(t, err, ErrBadAddress)
	}
}

func TestPublic(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"8.8.8.8", "52.1.2.3", "2a05:d018::1", "172.32.0.1", "100.128.0.1"} {
		require.True(t, public(netip.MustParseAddr(s)), s)
	}
	for _, s := range []string{"127.0.0.1", "::", "::1", "fe80::1%eth0", "2002:7f00:1::", "2001:0:1::", "198.18.0.1", "203.0.113.9", "ff02::1", "fec0::1"} {
		require.False(t, public(netip.MustParseAddr(s)), s)
	}
}
