package config

import (
	"net/netip"
	"net/url"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

// Config holds all settings, checked and with what follows from them filled in. Tags: env is the name, envDefault the
// default, help one sentence for the table, form how the value is written, oneof the only values accepted.
type Config struct {
	Addr    string `env:"VESTIBULE_ADDR" envDefault:"127.0.0.1:8080" form:"host:port" help:"Where the pages and the API listen."`
	URL     string `env:"VESTIBULE_URL" form:"https://host" help:"The address people use; every link is made of it. Plain http only for loopback. Default: made of VESTIBULE_ADDR, where that is loopback."`
	OpsAddr string `env:"VESTIBULE_OPS_ADDR" form:"host:port" help:"Where /metrics, /livez and /readyz with every check listen, apart from the public. Default: off."`
	Profile string `env:"VESTIBULE_PROFILE" envDefault:"off" oneof:"on,off" help:"Whether VESTIBULE_OPS_ADDR, which must then be loopback, gives out CPU and memory profiles under /debug/pprof/."`
	DataDir string `env:"VESTIBULE_DATA_DIR" envDefault:"./data" form:"folder" help:"Where the secret key and, by default, the database live."`
	File    string `env:"VESTIBULE_CONFIG" form:"file" help:"A YAML file with settings: names without VESTIBULE_, in small letters."`

	DatabaseURL      secret.String `env:"VESTIBULE_DATABASE_URL" form:"sqlite:///path/file.db or postgres://…" help:"The database. Default: SQLite in the data folder."`
	DatabaseMaxConns int           `env:"VESTIBULE_DATABASE_MAX_CONNS" envDefault:"20" form:"1–1000" help:"The most connections one process opens to PostgreSQL."`

	SMTPHost       string        `env:"VESTIBULE_SMTP_HOST" form:"host name" help:"The mail server. Without one, and only on loopback, mail is kept in the built-in mailbox at /_mail."`
	SMTPPort       int           `env:"VESTIBULE_SMTP_PORT" envDefault:"587" form:"1–65535" help:"The mail server's port; 465 means TLS from the first byte."`
	SMTPUsername   string        `env:"VESTIBULE_SMTP_USERNAME" form:"text" help:"The name to sign in to the mail server with. Default: none."`
	SMTPPassword   secret.String `env:"VESTIBULE_SMTP_PASSWORD" form:"text" help:"The password that goes with it."`
	SMTPTLS        string        `env:"VESTIBULE_SMTP_TLS" envDefault:"required" oneof:"required,opportunistic,off" help:"Whether mail may travel unencrypted. Anything but required holds towards loopback only, unless VESTIBULE_SMTP_TLS_CONFIRM says it again."`
	SMTPTLSConfirm string        `env:"VESTIBULE_SMTP_TLS_CONFIRM" oneof:"opportunistic,off" help:"Repeats VESTIBULE_SMTP_TLS, for a mail server that is neither on loopback nor able to encrypt."`
	MailPace       int           `env:"VESTIBULE_MAIL_PACE" envDefault:"5" form:"1–10000" help:"How many code mails that strangers ask for leave in a second, all replicas together; in an hour, a fifth of what that makes. More wait."`
	MailFrom       string        `env:"VESTIBULE_MAIL_FROM" form:"Name <address>" help:"The sender of every mail. Default: no-reply at the tenant's domain."`

	SecretKey    secret.String `env:"VESTIBULE_SECRET_KEY" form:"32 characters or more" help:"The master key. Default: made at first start in the data folder. Replicas need the same one."`
	TenantDomain string        `env:"VESTIBULE_TENANT_DOMAIN" form:"domain" help:"The organisation's own domain; names of guests end with it. Default: the host of VESTIBULE_URL, on loopback contoso.com."`

	TrustedProxies Networks `env:"VESTIBULE_TRUSTED_PROXIES" form:"CIDR,CIDR…" help:"Proxies whose X-Forwarded-For is believed. Default: none."`

	Limits       string        `env:"VESTIBULE_LIMITS" envDefault:"on" oneof:"on,off" help:"Budgets per address and person. Off is refused unless everything listens on loopback."`
	Jobs         string        `env:"VESTIBULE_JOBS" envDefault:"on" oneof:"on,off" help:"Whether this process sends mail and does the other background work. Off is for further replicas that only answer requests; at least one process must have it on."`
	MaxInFlight  int           `env:"VESTIBULE_MAX_IN_FLIGHT" envDefault:"128" form:"1–100000" help:"The most API requests worked on at once; more wait shortly and are then answered 503."`
	PerClient    int           `env:"VESTIBULE_CLIENT_CONNECTIONS" envDefault:"50" form:"1–100000" help:"Connections that one client, an IPv4 address or an IPv6 /64, may hold open. Trusted proxies hold as many as they like."`
	CodeLifetime time.Duration `env:"VESTIBULE_CODE_LIFETIME" envDefault:"10m" form:"5m–30m" help:"How long a mailed code holds, from its hand-off to the mail server."`
	LogLevel     string        `env:"VESTIBULE_LOG_LEVEL" envDefault:"info" oneof:"debug,info,warn,error" help:"The least important lines that are written."`
	LogFormat    string        `env:"VESTIBULE_LOG_FORMAT" envDefault:"json" oneof:"json,text" help:"Lines for machines or for eyes."`

	// Sender is MailFrom, read.
	Sender Sender `env:"-"`

	origins map[string]string // name → where its value came from
}

// Sender is who mails come from.
type Sender struct {
	Name    string // may be empty
	Address email.Address
}

// LimitsOn says whether budgets are counted.
func (c *Config) LimitsOn() bool { return c.Limits != "off" }

// JobsOn says whether this process does background work.
func (c *Config) JobsOn() bool { return c.Jobs != "off" }

// ProfileOn says whether the operations listener gives out profiles.
func (c *Config) ProfileOn() bool { return c.Profile == "on" }

// Mailbox says whether mail stays in the built-in mailbox instead of leaving by SMTP: without a mail server, and only
// where the pages themselves are out of reach from outside this machine. The mailbox shows every code to anybody.
func (c *Config) Mailbox() bool { return c.SMTPHost == "" && c.private() }

// private says whether only this machine can see the pages: the process listens on loopback, and people use a loopback
// address, so that no proxy on this machine brings strangers in.
func (c *Config) private() bool {
	u, err := url.Parse(c.URL)
	return err == nil && isLoopbackHost(u.Hostname()) && isLoopbackAddr(c.Addr)
}

// OnLoopback says whether everything this process listens on is reachable from this machine only.
func (c *Config) OnLoopback() bool {
	return c.private() && (c.OpsAddr == "" || isLoopbackAddr(c.OpsAddr))
}

// Networks is a list of networks, written as CIDRs or single addresses with commas between.
type Networks []netip.Prefix

// UnmarshalText reads the list. It is all or nothing.
func (n *Networks) UnmarshalText(text []byte) error {
	var out Networks
	for _, part := range list(string(text)) {
		if addr, err := netip.ParseAddr(part); err == nil && addr.Zone() == "" {
			addr = addr.Unmap()
			out = append(out, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			return err //nolint:wrapcheck // only its presence matters: the mistake is told in our own words
		}
		out = append(out, prefix.Masked())
	}
	*n = out
	return nil
}
