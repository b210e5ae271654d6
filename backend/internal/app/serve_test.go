package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

// gate is the way to a database server, which a test opens and shuts.
type gate struct {
	t        *testing.T
	network  string
	to, addr string
	listener net.Listener
	mu       sync.Mutex
	conns    []net.Conn
}

// gateTo returns a shut gate to the server of address, and the address through it.
func gateTo(t *testing.T, address string) (*gate, string) {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	g := &gate{t: t, network: "tcp", to: u.Host, addr: freeAddr(t)}
	if q := u.Query(); q.Has("host") { // a socket in a folder
		g.network, g.to = "unix", q.Get("host")+"/.s.PGSQL."+q.Get("port")
		q.Del("host")
		q.Del("port")
		u.RawQuery = q.Encode()
	}
	u.Host = g.addr
	t.Cleanup(g.shut)
	return g, u.String()
}

// freeAddr is an address where nobody listens but the test, whenever it does. Its port is none of those that a system gives
// to whoever asks for any, and the UDP port of its number says that it is taken, as in e2e/stack.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(10000))
		claim, err := net.ListenPacket("udp4", addr)
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = claim.Close() })
		if free, err := net.Listen("tcp4", addr); err == nil {
			_ = free.Close()
			return addr
		}
	}
	t.Fatal("a thousand ports were taken")
	return ""
}

func (g *gate) open() {
	g.t.Helper()
	listener, err := net.Listen("tcp", g.addr)
	require.NoError(g.t, err)
	g.mu.Lock()
	g.listener = listener
	g.mu.Unlock()
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial(g.network, g.to)
			if err != nil {
				_ = in.Close()
				continue
			}
			g.mu.Lock()
			if g.listener != listener { // it was shut since
				_, _ = in.Close(), out.Close()
			}
			g.conns = append(g.conns, in, out)
			g.mu.Unlock()
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
		}
	}()
}

func (g *gate) shut() {
	if g.listener == nil {
		return
	}
	_ = g.listener.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.conns {
		_ = c.Close()
	}
	g.conns, g.listener = nil, nil
}

// status is what a path of the running house answers; 0 if nobody is there.
func status(addr, path string) int {
	client := http.Client{Timeout: 8 * time.Second}
	res, err := client.Get("http://" + addr + path)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// TestServe_WithoutItsDatabase: the doors are open all the same, say 503, and mend themselves; the end is graceful.
func TestServe_WithoutItsDatabase(t *testing.T) {
	t.Parallel()
	g, through := gateTo(t, dbtest.EmptyURL(t, database.Postgres))
	addr := freeAddr(t)
	cfg := settings(t, through, "VESTIBULE_ADDR="+addr)
	h, err := Build(t.Context(), Options{Config: cfg, Logger: slog.New(slog.DiscardHandler), Version: "test"})
	require.NoError(t, err, "a house is built while its database is away")
	defer h.Close()
	ctx, stop := context.WithCancel(t.Context())
	said, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- h.Serve(ctx, func(banner string) { said <- banner }) }()

	eventually := func(path string, want int) {
		t.Helper()
		require.Eventually(t, func() bool { return status(addr, path) == want }, 20*time.Second, 20*time.Millisecond, "%s should answer %d", path, want)
	}
	eventually("/livez", 200)
	require.Equal(t, 503, status(addr, "/readyz"))
	require.Equal(t, 503, status(addr, "/api/v1/flows/supplier"))
	require.Empty(t, said, "nothing is ready yet")

	g.open()
	require.Contains(t, <-said, "Nobody is here yet", "the schema was made as soon as the database was there")
	eventually("/readyz", 200)
	eventually("/api/v1/flows/supplier", 404)

	g.shut()
	eventually("/api/v1/flows/supplier", 503)
	eventually("/readyz", 503)
	require.Equal(t, 200, status(addr, "/livez"), "it lives: a restart would mend nothing")
	g.open()
	eventually("/api/v1/flows/supplier", 404)
	eventually("/readyz", 200)

	stop()
	require.NoError(t, <-ended, "a graceful end is no error")
	require.Zero(t, status(addr, "/livez"))
}

func TestServe_AnAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	cfg := settings(t, dbtest.URL(t, database.SQLite), "VESTIBULE_ADDR="+taken.Addr().String())
	h, err := Build(t.Context(), Options{Config: cfg, Logger: slog.New(slog.DiscardHandler), Version: "test"})
	require.NoError(t, err)
	defer h.Close()
	err = h.Serve(t.Context(), func(string) { t.Error("it is not ready") })
	require.ErrorContains(t, err, "is not free: stop what listens there, or set VESTIBULE_ADDR")
}

func TestBanner(t *testing.T) {
	t.Parallel()
	t.Run("nobody is here: a link that works once", func(t *testing.T) {
		t.Parallel()
		h := buildHouse(t, dbtest.URL(t, database.SQLite), clock.NewFake(dbtest.Start))
		first, second := h.banner(t.Context()), h.banner(t.Context())
		for _, banner := range []string{first, second} {
			require.Contains(t, banner, "Vestibule test is ready at "+address)
			require.Contains(t, banner, "it works once, for 30 minutes:\n  "+address+"/setup")
			require.Contains(t, banner, address+"/_mail")
		}
		require.NotEqual(t, first, second, "each start has a link of its own")
	})
	t.Run("the demo: whom to be", func(t *testing.T) {
		t.Parallel()
		banner := openHouse(t, database.SQLite).banner(t.Context())
		require.NotContains(t, banner, "/setup")
		for _, p := range DemoPeople() {
			require.Contains(t, banner, p.Email)
		}
	})
	t.Run("somebody's own house: no names, no link", func(t *testing.T) {
		t.Parallel()
		h := openHouse(t, database.SQLite)
		h.t.Context()
		require.NoError(t, h.DB.InTx(t.Context(), func(tx *database.Tx) error {
			tenant, err := h.People.Tenant(t.Context())
			tenant.Demo = false
			if err != nil {
				return err
			}
			return h.People.SetTenant(tx, tenant)
		}))
		banner := h.banner(t.Context())
		require.NotContains(t, banner, "/setup")
		require.NotContains(t, banner, "contoso.com")
	})
}

func TestPages_OutsideTheContract(t *testing.T) {
	t.Parallel()
	h := openHouse(t, database.SQLite)
	b := h.browser()
	require.Equal(t, "application/json", b.GET("/api/openapi.json").status(200).Header().Get("Content-Type"))
	require.Contains(t, b.GET("/api/openapi.yaml").status(200).Body.String(), "openapi: 3.0.3")
	b.GET("/livez").status(200)
	b.GET("/readyz").status(200)
	b.GET("/api/v1/nothing").problem(404, "not_found")
	b.GET("/api/v1/flows/nothing").status(404)
	require.True(t, strings.HasPrefix(b.GET("/api/v1/me").Header().Get("Content-Type"), "application/problem+json"))
}
