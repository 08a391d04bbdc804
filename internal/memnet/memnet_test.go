package memnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/internal/memnet"
)

func TestListenerTransfersBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen("bot")
		require.Equal(t, "mem", l.Addr().Network())
		require.Equal(t, "bot", l.Addr().String())
		go func() {
			c, err := l.Accept()
			if err == nil {
				_, _ = io.Copy(c, c)
			}
		}()

		c, err := l.Dial(t.Context())
		require.NoError(t, err)
		_, err = c.Write([]byte("ping"))
		require.NoError(t, err)
		b := make([]byte, 4)
		_, err = io.ReadFull(c, b)
		require.NoError(t, err)
		require.Equal(t, "ping", string(b))
		require.NoError(t, c.Close())
	})
}

func TestListenerClosed(t *testing.T) {
	t.Parallel()
	l := memnet.Listen("bot")
	require.NoError(t, l.Close())
	require.NoError(t, l.Close(), "twice is harmless")

	_, err := l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = l.Dial(t.Context())
	require.ErrorIs(t, err, net.ErrClosed)
	op, ok := errors.AsType[*net.OpError](err)
	require.True(t, ok)
	require.Equal(t, "dial", op.Op)
}

func TestDialEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := memnet.Listen("deaf").Dial(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memnet.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, r.Method+" "+r.Host+r.URL.Path+" "+string(body))
		}))
		t.Cleanup(func() { _ = s.Close() })
		client := &http.Client{Transport: s}

		for _, url := range []string{"https://api.example/x", "http://bot.example/x"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("hi"))
			require.NoError(t, err)
			res, err := client.Do(req)
			require.NoError(t, err)
			b, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, "POST "+req.URL.Host+"/x hi", string(b))
		}
		client.CloseIdleConnections()
	})
}

func TestServerTimeoutEndsTheHandlerToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Time, 1)
		s := memnet.Serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			ended <- time.Now()
		}))
		t.Cleanup(func() { _ = s.Close() })

		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := get(ctx, s)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 10*time.Second, (<-ended).Sub(began))
	})
}

func TestServerCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memnet.Serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		require.ErrorIs(t, get(t.Context(), s), io.EOF)
		require.NoError(t, s.Close())
		require.ErrorIs(t, get(t.Context(), s), net.ErrClosed, "after Close")
	})
}

func TestServerNeverStarted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memnet.Serve(http.NotFoundHandler())
		require.NoError(t, s.Close())
		require.ErrorIs(t, get(t.Context(), s), net.ErrClosed)
	})
}

// get sends one request and returns its error.
func get(ctx context.Context, s *memnet.Server) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example/", http.NoBody)
	if err != nil {
		return err
	}
	res, err := (&http.Client{Transport: s}).Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}
