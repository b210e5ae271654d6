package web_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// crowd is a server whose clients may hold a few connections, and what it logged.
func crowd(t *testing.T, c web.Crowd) (address string, log *bytes.Buffer) {
	t.Helper()
	log = &bytes.Buffer{}
	c.Logger = slog.New(slog.NewJSONHandler(log, nil))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- web.Serve(ctx, web.Server{Listener: c.Listen(l), Logger: discard(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			_, _ = io.WriteString(w, "here")
		})})
	}()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	return l.Addr().String(), log
}

// from dials as another machine would: every 127.x.y.z is this one.
func from(t *testing.T, client, address string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(client)}}
	conn, err := d.DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	return conn
}

// asks says whether a request on the connection is answered.
func asks(conn net.Conn) bool {
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return false
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err == nil && answer.StatusCode == http.StatusOK
}

// TestCrowd_oneClientHoldsAFew: what is too many is closed, others come in, and who leaves makes room.
func TestCrowd_oneClientHoldsAFew(t *testing.T) {
	t.Parallel()
	address, log := crowd(t, web.Crowd{PerClient: 3})
	var held []net.Conn
	for range 3 {
		conn := from(t, "127.0.0.2", address)
		require.True(t, asks(conn))
		held = append(held, conn)
	}
	require.False(t, asks(from(t, "127.0.0.2", address)), "the fourth")
	require.True(t, asks(from(t, "127.0.0.3", address)), "another client")
	require.True(t, asks(held[0]), "those that are open go on")
	require.NoError(t, held[0].Close())
	require.Eventually(t, func() bool { return asks(from(t, "127.0.0.2", address)) }, 10*time.Second, 5*time.Millisecond, "one has left")
	require.Contains(t, log.String(), "VESTIBULE_TRUSTED_PROXIES")
	require.LessOrEqual(t, strings.Count(log.String(), "\n"), 1, "told once a minute")
}

// TestCrowd_aTrustedProxyStandsForMany: behind a proxy the peer is the proxy.
func TestCrowd_aTrustedProxyStandsForMany(t *testing.T) {
	t.Parallel()
	address, _ := crowd(t, web.Crowd{PerClient: 3, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	for range 20 {
		require.True(t, asks(from(t, "127.0.0.2", address)))
	}
	unbounded, _ := crowd(t, web.Crowd{})
	for range 20 {
		require.True(t, asks(from(t, "127.0.0.2", unbounded)))
	}
}

// TestT102_SlowConnectionsKeepNobodyOut: 500 connections that send a header letter by letter, and some that drip a body,
// hold at most their share, are cut off in time, and others are answered meanwhile.
func TestT102_SlowConnectionsKeepNobodyOut(t *testing.T) {
	t.Parallel()
	address, _ := crowd(t, web.Crowd{PerClient: 50})
	ends := make(chan time.Duration, 500)
	for i := range 500 {
		began := time.Now()
		conn := from(t, "127.0.0.2", address)
		head := "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "
		if i%10 == 9 {
			head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n{"
		}
		go func() {
			_, _ = fmt.Fprint(conn, head)
			_, _ = io.Copy(io.Discard, conn) // until it is closed
			ends <- time.Since(began)
		}()
	}
	slowest := time.Duration(0)
	for range 50 {
		asked := time.Now()
		require.True(t, asks(from(t, "127.0.0.3", address)))
		slowest = max(slowest, time.Since(asked))
	}
	require.Less(t, slowest, 3*time.Second, "others are answered")
	atOnce, late := 0, time.Duration(0)
	for range 500 {
		took := <-ends
		if took < 4*time.Second {
			atOnce++
		}
		late = max(late, took)
	}
	require.GreaterOrEqual(t, atOnce, 400, "most were turned away before anything was read")
	require.Less(t, late, 25*time.Second, "headers have 5 seconds and bodies 15")
	require.True(t, asks(from(t, "127.0.0.2", address)), "and then the client may come again")
}
