package outbound

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMayCall(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1",
		"172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1",
		"203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::8.8.8.8",
		"64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1",
		"3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
		"2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1", "2606:4700::1%eth0",
	} {
		require.False(t, mayCall(netip.MustParseAddr(ip), nil), ip)
	}
	for _, ip := range []string{
		"1.1.1.1", "8.8.8.8", "11.22.33.44", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.1", "198.17.255.255",
		"198.20.0.0", "223.255.255.255", "::ffff:8.8.8.8", "2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450::1",
	} {
		require.True(t, mayCall(netip.MustParseAddr(ip), nil), ip)
	}
	require.False(t, mayCall(netip.Addr{}, nil))
	allow := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	require.True(t, mayCall(netip.MustParseAddr("10.1.2.3"), allow))
	require.True(t, mayCall(netip.MustParseAddr("::ffff:10.1.2.3"), allow))
	require.False(t, mayCall(netip.MustParseAddr("10.2.2.3"), allow))
	require.False(t, mayCall(netip.MustParseAddr("2002:0a01:0203::"), allow), "an allowed network is not allowed in disguise")
}

// F04: an IPv4 address that may not be called may not be called in any of its IPv6 forms.
func TestMayCall_embeddings(t *testing.T) {
	t.Parallel()
	require.NoError(t, quick.Check(func(b [4]byte, host [8]byte) bool {
		v4 := netip.AddrFrom4(b)
		verdict := mayCall(v4, nil)
		if mayCall(netip.AddrFrom16(v4.As16()), nil) != verdict {
			return false // mapped: the same verdict
		}
		put := func(at int, head ...byte) netip.Addr {
			var out [16]byte
			copy(out[:], head)
			copy(out[at:], b[:])
			return netip.AddrFrom16(out)
		}
		return !mayCall(put(12), nil) && // compatible
			!mayCall(put(12, 0, 0x64, 0xff, 0x9b), nil) && // NAT64
			!mayCall(put(2, 0x20, 0x02), nil) && // 6to4
			!mayCall(put(4, 0x20, 0x01, 0, 0), nil) && // Teredo's server
			!mayCall(put(12, 0x26, 0x06, 0x47, 0, 0, 0, 0, 0, 0, 0, 0x5e, 0xfe), nil) // ISATAP
	}, &quick.Config{MaxCount: 20000}))
}

func TestClient_Check(t *testing.T) {
	t.Parallel()
	c := New(Options{})
	for _, address := range []string{
		"https://api.fabrikam.de/hook", "https://api.fabrikam.de:8443/", "https://8.8.8.8/", "https://[2606:4700::1]/x?y=z",
	} {
		require.NoError(t, c.Check(address), address)
	}
	for _, address := range []string{
		"http://api.fabrikam.de/", "https://api.fabrikam.de:22/", "https://api.fabrikam.de:80/", "https://user@api.fabrikam.de/", "https://u:p@api.fabrikam.de/",
		"https:api.fabrikam.de", "https:///x", "ftp://api.fabrikam.de/", "file:///etc/passwd", "gopher://api.fabrikam.de/", "unix:///run/x", "//api.fabrikam.de/",
		"https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest/meta-data", "https://10.0.0.1/",
		"https://api.fabrikam.de:99999/", "https://api.fabrikam.de:0/", "https://%zz/", "", "javascript:alert(1)",
	} {
		require.ErrorIs(t, c.Check(address), ErrBlocked, address)
	}
}

// serve starts a TLS server on loopback and returns options with which it may be called.
func serve(t *testing.T, h http.HandlerFunc) (*httptest.Server, Options) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	at := netip.MustParseAddrPort(strings.TrimPrefix(s.URL, "https://"))
	return s, Options{Allow: prefixes("127.0.0.0/8"), Ports: []uint16{at.Port()}, RootCAs: pool}
}

func TestClient_Do(t *testing.T) {
	t.Parallel()
	s, o := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.Method+" "+r.Header.Get("X-Sent")+" "+string(body))
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte("short"))
	})
	got, err := New(o).Do(context.Background(), http.MethodPost, s.URL+"/hook", http.Header{"X-Sent": {"a"}}, []byte("b"))
	require.NoError(t, err)
	require.Equal(t, 418, got.Status)
	require.Equal(t, "POST a b", got.Header.Get("X-Seen"))
	require.Equal(t, "short", string(got.Body))
}

func TestClient_judgesTheSocketNotTheName(t *testing.T) {
	t.Parallel()
	s, o := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("an internal address was reached") })
	port := ":" + strconv.Itoa(int(o.Ports[0]))
	closedDoor := o
	closedDoor.Allow = nil
	// The names pass the check of the address's form; only the socket tells.
	for _, host := range []string{"localhost", "LOCALHOST", "127.0.0.1", "[::ffff:127.0.0.1]"} {
		_, err := New(closedDoor).Do(context.Background(), http.MethodGet, "https://"+host+port, nil, nil)
		require.ErrorIs(t, err, ErrBlocked, host)
	}
	otherPort := o
	otherPort.Ports = []uint16{443}
	require.ErrorIs(t, New(otherPort).control("tcp4", "127.0.0.1"+port, nil), ErrBlocked)
	require.ErrorIs(t, New(o).control("udp4", "127.0.0.1"+port, nil), ErrBlocked)
	require.ErrorIs(t, New(o).control("unix", "/run/x", nil), ErrBlocked)
	_, err := New(closedDoor).HTTP().Get(s.URL)
	require.ErrorIs(t, err, ErrBlocked, "the client for libraries is the same client")
}

func TestClient_followsNoRedirect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var hits int
		s, o := serve(t, func(w http.ResponseWriter, r *http.Request) {
			hits++
			w.Header().Set("Refresh", "0; url=/inside")
			http.Redirect(w, r, "/inside", status)
		})
		_, err := New(o).Do(context.Background(), http.MethodPost, s.URL, nil, []byte("x"))
		require.ErrorIs(t, err, ErrFailed)
		require.Equal(t, 1, hits, status)
	}
}

func TestClient_bounds(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s, o := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/exact":
			_, _ = w.Write(bytes.Repeat([]byte("x"), 1000))
		case "/large":
			_, _ = w.Write(bytes.Repeat([]byte("x"), 1001))
		case "/headers":
			w.Header().Set("X-Long", strings.Repeat("x", 128<<10))
		case "/slow":
			<-release
		case "/drip":
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			<-release
		}
	})
	t.Cleanup(func() { close(release) })
	o.MaxBody = 1000
	got, err := New(o).Do(context.Background(), http.MethodGet, s.URL+"/exact", nil, nil)
	require.NoError(t, err)
	require.Len(t, got.Body, 1000)
	o.Timeout = 200 * time.Millisecond
	for _, path := range []string{"/large", "/headers", "/slow", "/drip"} {
		_, err := New(o).Do(context.Background(), http.MethodGet, s.URL+path, nil, nil)
		require.ErrorIs(t, err, ErrFailed, path)
		require.NotErrorIs(t, err, ErrBlocked, path)
	}
	o.RootCAs = x509.NewCertPool()
	_, err = New(o).Do(context.Background(), http.MethodGet, s.URL+"/exact", nil, nil)
	require.ErrorIs(t, err, ErrFailed, "an unknown authority")
}

func TestClient_ignoresProxiesOfTheEnvironment(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	defer proxy.Close()
	t.Setenv("HTTPS_PROXY", proxy.URL)
	t.Setenv("ALL_PROXY", proxy.URL)
	s, o := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	got, err := New(o).Do(context.Background(), http.MethodGet, s.URL, nil, nil)
	require.NoError(t, err)
	require.Equal(t, 204, got.Status)
}
