package outbound

import "net/netip"

// closed are the networks that are never called unless they are allowed by name: IANA's special-purpose registries
// (RFC 6890, updated by RFC 8190), and the forms of IPv6 that carry an IPv4 address.
var closed = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"::/96",                      // unspecified, loopback, IPv4-compatible
	"64:ff9b::/96",               // NAT64
	"64:ff9b:1::/48",             // NAT64 of one's own
	"100::/64", "100:0:0:1::/64", // discard
	"2001::/23",     // protocol assignments, Teredo among them
	"2001:db8::/32", // documentation
	"2002::/16",     // 6to4
	"3fff::/20",     // documentation
	"5f00::/16",     // segment routing
	"fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// mayCall says whether ip belongs to the public internet or to an allowed network. A mapped address is judged as the
// IPv4 address it is.
func mayCall(ip netip.Addr, allowed []netip.Prefix) bool {
	if !ip.IsValid() || ip.Zone() != "" {
		return false
	}
	ip = ip.Unmap()
	if within(ip, allowed) {
		return true
	}
	return ip.IsGlobalUnicast() && !within(ip, closed) && !isISATAP(ip)
}

func within(ip netip.Addr, networks []netip.Prefix) bool {
	for _, n := range networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

// isISATAP finds an IPv4 address behind the identifier of RFC 5214 §6.1, in any network.
func isISATAP(ip netip.Addr) bool {
	if !ip.Is6() {
		return false
	}
	b := ip.As16()
	return b[8]&^0x03 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}
