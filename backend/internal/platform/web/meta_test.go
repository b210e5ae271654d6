package web_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

func TestMeta_Address(t *testing.T) {
	t.Parallel()
	trusted := func(o *web.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8:f::/48")}
	}
	nobody := func(*web.Options) {}
	for _, tc := range []struct {
		name  string
		trust func(*web.Options)
		peer  string
		with  []string
		want  string
	}{
		{"the peer, whatever headers say", nobody, "198.51.100.7:1", []string{"X-Forwarded-For: 1.1.1.1", "X-Real-IP: 1.1.1.1", "Forwarded: for=1.1.1.1", "True-Client-IP: 1.1.1.1", "CF-Connecting-IP: 1.1.1.1"}, "198.51.100.7"},
		{"an untrusted peer cannot speak for others", trusted, "203.0.113.9:1", []string{"X-Forwarded-For: 1.1.1.1"}, "203.0.113.9"},
		{"what a trusted proxy says", trusted, "198.51.100.7:1", []string{"X-Forwarded-For: 192.0.2.1"}, "192.0.2.1"},
		{"the right-most untrusted hop, not the one the client made up", trusted, "198.51.100.7:1", []string{"X-Forwarded-For: 1.1.1.1, 192.0.2.1, 198.51.100.8"}, "192.0.2.1"},
		{"two headers are one list", trusted, "198.51.100.7:1", []string{"X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: +192.0.2.1"}, "192.0.2.1"},
		{"other headers are not looked at", trusted, "198.51.100.7:1", []string{"X-Real-IP: 1.1.1.1", "X-Forwarded-For: 192.0.2.1"}, "192.0.2.1"},
		{"what cannot be read makes the peer the client", trusted, "198.51.100.7:1", []string{"X-Forwarded-For: 192.0.2.1, a"}, "198.51.100.7"},
		{"empty", trusted, "198.51.100.7:1", []string{"X-Forwarded-For: "}, "198.51.100.7"},
		{"nothing said", trusted, "198.51.100.7:1", nil, "198.51.100.7"},
		{"only proxies", trusted, "198.51.100.7:1", []string{"X-Forwarded-For: 198.51.100.9, 198.51.100.8"}, "198.51.100.9"},
		{"with a port", trusted, "198.51.100.7:1", []string{"X-Forwarded-For: 192.0.2.1:4711"}, "192.0.2.1"},
		{"IPv6 with a port", trusted, "[2001:db8:f::1]:1", []string{"X-Forwarded-For: [2001:db8:a::1]:4711"}, "2001:db8:a::1"},
		{"a peer in mapped form is trusted as what it is", trusted, "[::ffff:198.51.100.7]:1", []string{"X-Forwarded-For: ::ffff:192.0.2.1"}, "192.0.2.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := open(t, tc.trust).ask(t, "GET", "/api/v1/things/1", "", append(tc.with, "Remote: "+tc.peer)...)
			var got struct{ Meta web.Meta }
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
			require.Equal(t, tc.want, got.Meta.Address)
			require.Equal(t, w.Header().Get("Request-Id"), got.Meta.RequestID, "the context of generated handlers carries it")
		})
	}
}

func TestAddressKey(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"192.0.2.1":                  "192.0.2.1",
		"::ffff:192.0.2.1":           "192.0.2.1",
		"2001:db8:1:2:3:4:5:6":       "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1":       "2001:db8:1:2::/64",
		"fe80::1%eth0":               "fe80::/64",
		"2001:0db8:0001:0002::":      "2001:db8:1:2::/64",
		"not an address":             "not an address",
		"":                           "",
		"2001:db8:1:3:3:4:5:6":       "2001:db8:1:3::/64",
		"::1":                        "::/64",
		"64:ff9b::192.0.2.1":         "64:ff9b::/64",
		"::ffff:255.255.255.255":     "255.255.255.255",
		"2001:db8:1:2:3:4:192.0.2.1": "2001:db8:1:2::/64",
	} {
		require.Equal(t, want, web.AddressKey(in), in)
	}
}

func TestMetaOf_outsideOfRequests(t *testing.T) {
	t.Parallel()
	require.Equal(t, web.Meta{Locale: "en"}, web.MetaOf(context.Background()))
	ctx := web.WithMeta(context.Background(), web.Meta{RequestID: "req_1", Locale: "de"})
	require.Equal(t, "req_1", web.MetaOf(ctx).RequestID)
}

func TestNetworkKey(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"203.0.113.9":        "203.0.113.0/24",
		"::ffff:203.0.113.9": "203.0.113.0/24",  // the same one, written in another way
		"2001:db8:1:2::3":    "2001:db8:1::/48", // what one customer has
		"2001:db8:1:ffff::3": "2001:db8:1::/48",
		"2001:db8:2::3":      "2001:db8:2::/48",
		"somebody":           "somebody", // what is no address is its own key
	} {
		require.Equal(t, want, web.NetworkKey(in), in)
	}
}
