package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

// Ports is a list of TCP ports with commas between.
type Ports []uint16

// UnmarshalText reads the list.
func (p *Ports) UnmarshalText(text []byte) error {
	var out Ports
	for _, part := range list(string(text)) {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("not a port: %w", strconv.ErrRange)
		}
		out = append(out, uint16(n))
	}
	*p = out
	return nil
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
}

// complete checks what one value cannot tell alone and fills in what follows.
func (c *Config) complete(r *reader) {
	c.checkAddresses(r)
	c.completeURL(r)
	c.completeDatabase(r)
	c.completeTenant(r)
	c.checkMail(r)
	c.checkSecretKey(r)
	c.checkNumbers(r)
	if c.Limits == "off" && !c.OnLoopback() {
		r.wrong("VESTIBULE_LIMITS", "is off while the portal can be reached from outside this machine", "take it out, or listen on loopback only")
	}
}

func (c *Config) checkAddresses(r *reader) {
	for _, a := range []struct{ name, addr string }{{"VESTIBULE_ADDR", c.Addr}, {"VESTIBULE_OPS_ADDR", c.OpsAddr}} {
		if a.addr == "" && a.name == "VESTIBULE_OPS_ADDR" {
			continue
		}
		_, port, err := net.SplitHostPort(a.addr)
		n, numErr := strconv.ParseUint(port, 10, 16)
		if err != nil || numErr != nil || (n == 0 && a.name == "VESTIBULE_ADDR" && c.URL == "") {
			r.wrong(a.name, fmt.Sprintf("is %q, which is not an address to listen on", a.addr), "write host:port, such as 127.0.0.1:8080")
		}
	}
	if c.ProfileOn() && !isLoopbackAddr(c.OpsAddr) { // profiles show what a process holds in memory
		r.wrong("VESTIBULE_PROFILE", "is on, and VESTIBULE_OPS_ADDR is not an address on loopback", "set VESTIBULE_OPS_ADDR to one such as 127.0.0.1:9090, or take it out")
	}
	if c.OpsAddr == c.Addr && c.Addr != "" && !strings.HasSuffix(c.Addr, ":0") {
		r.wrong("VESTIBULE_OPS_ADDR", "is the same as VESTIBULE_ADDR", "give it a port of its own")
	}
}

// completeURL makes the public address out of the one listened on, where that is loopback, and checks its form.
func (c *Config) completeURL(r *reader) {
	const name = "VESTIBULE_URL"
	if c.URL == "" {
		if !isLoopbackAddr(c.Addr) {
			if !r.about("VESTIBULE_ADDR") {
				r.wrong(name, "is not set while the portal can be reached from outside this machine", "set it to the address people will use, such as https://guests.example.com")
			}
			return
		}
		c.URL = "http://" + c.Addr
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" || u.Opaque != "":
		r.wrong(name, fmt.Sprintf("is %q, which is not a base address", c.URL), "write scheme and host only, such as https://guests.example.com")
	case u.Scheme == "http" && !isLoopbackHost(u.Hostname()):
		r.wrong(name, "is plain http for a host that is not loopback", "use https; browsers keep our cookies from plain http")
	case u.Scheme != "http" && u.Scheme != "https":
		r.wrong(name, fmt.Sprintf("has the scheme %q", u.Scheme), "use https")
	default:
		c.URL = u.Scheme + "://" + strings.ToLower(u.Host)
	}
}

func (c *Config) completeDatabase(r *reader) {
	const name = "VESTIBULE_DATABASE_URL"
	if c.DatabaseURL.IsZero() {
		dir, err := filepath.Abs(c.DataDir)
		if err != nil {
			r.wrong("VESTIBULE_DATA_DIR", "cannot be found from here", "write the whole path")
			return
		}
		c.DatabaseURL = secret.New("sqlite://" + filepath.ToSlash(filepath.Join(dir, "vestibule.db")))
		return
	}
	text := c.DatabaseURL.Reveal()
	u, err := url.Parse(text)
	switch {
	case err != nil: // its text would repeat the password
		r.wrong(name, "cannot be read", "write sqlite:///path/file.db or postgres://user:password@host/database, with % escapes for odd characters")
	case u.Scheme == "sqlite" && u.Host == "" && len(u.Path) > 1 && !strings.HasSuffix(u.Path, "/"):
	case (u.Scheme == "postgres" || u.Scheme == "postgresql") && (u.Host != "" || u.Query().Get("host") != ""):
	default:
		r.wrong(name, "is neither SQLite nor PostgreSQL", "write sqlite:///path/file.db (three slashes) or postgres://user:password@host/database")
	}
}

// sampleTenant is the company of the demonstration.
const sampleTenant = "contoso.com"

func (c *Config) completeTenant(r *reader) {
	if c.TenantDomain == "" {
		c.TenantDomain = sampleTenant
		if u, err := url.Parse(c.URL); err == nil && u.Host != "" && !isLoopbackHost(u.Hostname()) {
			c.TenantDomain = u.Hostname()
		}
	}
	domain, err := email.ParseDomain(c.TenantDomain)
	if err != nil {
		r.wrong("VESTIBULE_TENANT_DOMAIN", fmt.Sprintf("is %q, which is not a domain", c.TenantDomain), "write the organisation's domain, such as contoso.com")
		return
	}
	c.TenantDomain = domain
}

func (c *Config) checkMail(r *reader) {
	if c.SMTPHost == "" && !c.private() && !r.about("VESTIBULE_ADDR") && !r.about("VESTIBULE_URL") {
		r.wrong("VESTIBULE_SMTP_HOST", "is not set while the portal can be reached from outside this machine: nobody would get mail", "set it to your mail server")
	}
	if c.SMTPTLS != "required" && c.SMTPHost != "" && !isLoopbackHost(c.SMTPHost) && c.SMTPTLSConfirm != c.SMTPTLS {
		r.wrong("VESTIBULE_SMTP_TLS", fmt.Sprintf("is %s for a mail server that is not loopback: codes and links could be read on their way", c.SMTPTLS),
			"use required; or set VESTIBULE_SMTP_TLS_CONFIRM to the same word, if you mean it")
	}
	if strings.ContainsAny(c.SMTPHost, " /:@\r\n\t") && net.ParseIP(c.SMTPHost) == nil {
		r.wrong("VESTIBULE_SMTP_HOST", fmt.Sprintf("is %q, which is not a host name", c.SMTPHost), "write the name alone; the port goes into VESTIBULE_SMTP_PORT")
	}
	if (c.SMTPUsername == "") != c.SMTPPassword.IsZero() {
		r.wrong("VESTIBULE_SMTP_PASSWORD", "and VESTIBULE_SMTP_USERNAME go together, and one of them is missing", "set both or neither")
	}
	if c.MailFrom == "" {
		c.MailFrom = "no-reply@" + c.TenantDomain
	}
	sender, ok := parseSender(c.MailFrom)
	if !ok && !r.about("VESTIBULE_TENANT_DOMAIN") {
		r.wrong("VESTIBULE_MAIL_FROM", fmt.Sprintf("is %q, which is not a sender", c.MailFrom), "write an address, or Name <address>")
	}
	c.Sender = sender
}

// parseSender reads "address" or "Name <address>"; the name may not hold what could end a header line or a quotation.
func parseSender(s string) (Sender, bool) {
	s = strings.TrimSpace(s)
	name, rest, named := strings.Cut(s, "<")
	if named {
		addr, closed := strings.CutSuffix(rest, ">")
		name = strings.Trim(strings.TrimSpace(name), `"`)
		if !closed || strings.ContainsAny(name, "\r\n\"\\<>\x00") {
			return Sender{}, false
		}
		s = addr
	} else {
		name = ""
	}
	a, err := email.Parse(s)
	return Sender{Name: name, Address: a}, err == nil
}

func (c *Config) checkSecretKey(r *reader) {
	if c.SecretKey.IsZero() {
		return
	}
	if _, err := secret.NewKeys(c.SecretKey); err != nil {
		problem, remedy, _ := strings.Cut(err.Error(), "; ")
		r.wrong("VESTIBULE_SECRET_KEY", "will not do: "+problem, remedy)
	}
}

func (c *Config) checkNumbers(r *reader) {
	for _, n := range []struct {
		name     string
		value    int
		min, max int
	}{
		{"VESTIBULE_SMTP_PORT", c.SMTPPort, 1, 65535},
		{"VESTIBULE_DATABASE_MAX_CONNS", c.DatabaseMaxConns, 1, 1000},
		{"VESTIBULE_MAX_IN_FLIGHT", c.MaxInFlight, 1, 100_000},
		{"VESTIBULE_MAIL_PACE", c.MailPace, 1, 10_000},
		{"VESTIBULE_CLIENT_CONNECTIONS", c.PerClient, 1, 100_000},
	} {
		if !r.about(n.name) && (n.value < n.min || n.value > n.max) {
			r.wrong(n.name, fmt.Sprintf("is %d", n.value), fmt.Sprintf("write a number from %d to %d", n.min, n.max))
		}
	}
	if !r.about("VESTIBULE_CODE_LIFETIME") && (c.CodeLifetime < 5*time.Minute || c.CodeLifetime > 30*time.Minute) {
		r.wrong("VESTIBULE_CODE_LIFETIME", "is "+c.CodeLifetime.String(), "write a time from 5m to 30m")
	}
	if slices.ContainsFunc(c.TrustedProxies, func(p netip.Prefix) bool { return p.Bits() == 0 }) {
		r.wrong("VESTIBULE_TRUSTED_PROXIES", "trusts every address there is, so anybody could choose the address they are counted by", "name your proxies' own networks")
	}
}

func isLoopbackAddr(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && isLoopbackHost(host)
}

func isLoopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
