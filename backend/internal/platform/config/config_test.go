package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/config"
)

const goodKey = "pT5vX0bq2rK9wZc7Lm4Yd8Ns1Hf6Gj3A"

// load reads environment pairs and files, as Load does.
func load(files map[string]string, flags map[string]string, environ ...string) (*config.Config, error) {
	return config.Load(config.Sources{Environ: environ, Flags: flags, ReadFile: func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}})
}

func TestLoad_nothingSetIsAWorkingHouseOnLoopback(t *testing.T) {
	t.Parallel()
	c, err := load(nil, nil)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8080", c.Addr)
	require.Equal(t, "http://127.0.0.1:8080", c.URL)
	require.Empty(t, c.OpsAddr)
	want, err := filepath.Abs("data/vestibule.db")
	require.NoError(t, err)
	require.Equal(t, "sqlite://"+want, c.DatabaseURL.Reveal())
	require.True(t, c.Mailbox())
	require.True(t, c.LimitsOn())
	require.True(t, c.OnLoopback())
	require.Equal(t, 10*time.Minute, c.CodeLifetime)
	require.Equal(t, "contoso.com", c.TenantDomain)
	require.Equal(t, "no-reply@contoso.com", c.Sender.Address.String())
	require.Empty(t, c.TrustedProxies)
}

func TestLoad_laterSourcesBeatEarlierOnes(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"/etc/v.yaml": "# settings\naddr: 127.0.0.1:1\nlog_level: warn\nsmtp:\n  host: localhost\n  port: 25\ntrusted_proxies: [10.0.0.0/8, 192.0.2.7]\nlimits: off\n",
		"/run/pw":     "hunter2\n",
	}
	c, err := load(files, map[string]string{"VESTIBULE_LOG_LEVEL": "debug"},
		"VESTIBULE_CONFIG=/etc/v.yaml", "VESTIBULE_ADDR=127.0.0.1:2", "VESTIBULE_LOG_LEVEL=error", "VESTIBULE_SMTP_USERNAME=u",
		"VESTIBULE_SMTP_PASSWORD_FILE=/run/pw", "VESTIBULE_DATA_DIR=", "VESTIBULE_PORT_8080_TCP=tcp://x", "VESTIBULE_TEST_X=1", "OTHER=1")
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:2", c.Addr)
	require.Equal(t, "debug", c.LogLevel)
	require.Equal(t, 25, c.SMTPPort)
	require.Equal(t, "hunter2", c.SMTPPassword.Reveal())
	require.False(t, c.LimitsOn(), "off is a word here, though YAML calls it a boolean")
	require.Equal(t, "[10.0.0.0/8 192.0.2.7/32]", fmt.Sprint(c.TrustedProxies))
	require.Equal(t, "./data", c.DataDir, "an empty variable is one that is not set")

	var out bytes.Buffer
	require.NoError(t, c.Print(&out))
	for _, line := range []string{
		"VESTIBULE_ADDR=127.0.0.1:2  # environment\n", "VESTIBULE_LOG_LEVEL=debug  # flag --log-level\n",
		"VESTIBULE_SMTP_HOST=localhost  # v.yaml:5\n", "VESTIBULE_SMTP_PORT=25  # v.yaml:6\n",
		"VESTIBULE_SMTP_PASSWORD=••••  # environment (VESTIBULE_SMTP_PASSWORD_FILE)\n",
		"VESTIBULE_TRUSTED_PROXIES=10.0.0.0/8,192.0.2.7/32  # v.yaml:7\n", "VESTIBULE_LOG_FORMAT=json  # default\n",
		"VESTIBULE_DATABASE_URL=••••  # default\n", "VESTIBULE_SECRET_KEY=  # default\n",
	} {
		require.Contains(t, out.String(), line)
	}
	require.NotContains(t, out.String(), "hunter2")
}

func TestLoad_acceptsAHouseOnTheInternet(t *testing.T) {
	t.Parallel()
	c, err := load(nil, nil, "VESTIBULE_ADDR=:8080", "VESTIBULE_URL=https://Guests.Contoso.com/", "VESTIBULE_SMTP_HOST=mail.contoso.com",
		"VESTIBULE_DATABASE_URL=postgres://u:p%40ss@db/vestibule", "VESTIBULE_SECRET_KEY="+goodKey, "VESTIBULE_OPS_ADDR=0.0.0.0:9090",
		"VESTIBULE_MAIL_FROM=Contoso Guests <guests@contoso.com>", "VESTIBULE_SMTP_TLS=off", "VESTIBULE_SMTP_TLS_CONFIRM=off")
	require.NoError(t, err)
	require.Equal(t, "https://guests.contoso.com", c.URL)
	require.Equal(t, "guests.contoso.com", c.TenantDomain)
	require.Equal(t, "Contoso Guests", c.Sender.Name)
	require.Equal(t, "guests@contoso.com", c.Sender.Address.String())
	require.False(t, c.Mailbox())
}

func TestLoad_refuses(t *testing.T) {
	t.Parallel()
	public := []string{"VESTIBULE_ADDR=0.0.0.0:8080", "VESTIBULE_URL=https://g.contoso.com", "VESTIBULE_SMTP_HOST=mail.contoso.com"}
	for _, tc := range []struct {
		name    string
		environ []string
		about   string // the setting at fault
		says    string
	}{
		{"no public address for a public house", []string{"VESTIBULE_ADDR=:8080", "VESTIBULE_SMTP_HOST=m.example"}, "VESTIBULE_URL", "is not set"},
		{"plain http for the world", append(public, "VESTIBULE_URL=http://g.contoso.com"), "VESTIBULE_URL", "plain http"},
		{"a path in the base address", []string{"VESTIBULE_URL=https://g.contoso.com/app"}, "VESTIBULE_URL", "base address"},
		{"another scheme", []string{"VESTIBULE_URL=ftp://g.contoso.com"}, "VESTIBULE_URL", "scheme"},
		{"no mail server for a public house", public[:2], "VESTIBULE_SMTP_HOST", "nobody would get mail"},
		{"no mail server behind a proxy on this machine: the mailbox would show every code", []string{"VESTIBULE_URL=https://g.contoso.com"}, "VESTIBULE_SMTP_HOST", "nobody would get mail"},
		{"limits off behind a proxy on this machine", []string{"VESTIBULE_URL=https://g.contoso.com", "VESTIBULE_SMTP_HOST=m.example", "VESTIBULE_LIMITS=off"}, "VESTIBULE_LIMITS", "outside this machine"},
		{"unencrypted mail off loopback, said once", append(public, "VESTIBULE_SMTP_TLS=opportunistic"), "VESTIBULE_SMTP_TLS", "opportunistic"},
		{"said twice, but differently", append(public, "VESTIBULE_SMTP_TLS=off", "VESTIBULE_SMTP_TLS_CONFIRM=opportunistic"), "VESTIBULE_SMTP_TLS", "off"},
		{"an unknown word", []string{"VESTIBULE_SMTP_TLS=maybe"}, "VESTIBULE_SMTP_TLS", `"maybe"`},
		{"limits off in public", append(public, "VESTIBULE_LIMITS=off"), "VESTIBULE_LIMITS", "outside this machine"},
		{"limits off with public operations", []string{"VESTIBULE_LIMITS=off", "VESTIBULE_OPS_ADDR=0.0.0.0:9090"}, "VESTIBULE_LIMITS", "outside this machine"},
		{"an address without port", []string{"VESTIBULE_ADDR=localhost"}, "VESTIBULE_ADDR", "listen"},
		{"a port beyond the last", []string{"VESTIBULE_ADDR=127.0.0.1:70000"}, "VESTIBULE_ADDR", "listen"},
		{"operations on the public port", []string{"VESTIBULE_OPS_ADDR=127.0.0.1:8080"}, "VESTIBULE_OPS_ADDR", "same"},
		{"profiles for everybody", []string{"VESTIBULE_PROFILE=on", "VESTIBULE_OPS_ADDR=0.0.0.0:9090"}, "VESTIBULE_PROFILE", "not an address on loopback"},
		{"profiles nowhere", []string{"VESTIBULE_PROFILE=on"}, "VESTIBULE_PROFILE", "not an address on loopback"},
		{"another database", []string{"VESTIBULE_DATABASE_URL=mysql://u:p@h/d"}, "VESTIBULE_DATABASE_URL", "neither"},
		{"two slashes make a host of the path", []string{"VESTIBULE_DATABASE_URL=sqlite://data/x.db"}, "VESTIBULE_DATABASE_URL", "neither"},
		{"a folder is no database", []string{"VESTIBULE_DATABASE_URL=sqlite:///data/"}, "VESTIBULE_DATABASE_URL", "neither"},
		{"a short key", []string{"VESTIBULE_SECRET_KEY=short"}, "VESTIBULE_SECRET_KEY", "shorter"},
		{"a sample key", []string{"VESTIBULE_SECRET_KEY=changeme-changeme-changeme-changeme"}, "VESTIBULE_SECRET_KEY", "sample"},
		{"not a number", []string{"VESTIBULE_SMTP_PORT=smtp"}, "VESTIBULE_SMTP_PORT", `"smtp"`},
		{"a number out of bounds", []string{"VESTIBULE_MAX_IN_FLIGHT=0"}, "VESTIBULE_MAX_IN_FLIGHT", "is 0"},
		{"codes that live for hours", []string{"VESTIBULE_CODE_LIFETIME=2h"}, "VESTIBULE_CODE_LIFETIME", "2h0m0s"},
		{"not a network", []string{"VESTIBULE_TRUSTED_PROXIES=10.0.0.0/8,proxy.local"}, "VESTIBULE_TRUSTED_PROXIES", "proxy.local"},
		{"trust in everybody", []string{"VESTIBULE_TRUSTED_PROXIES=0.0.0.0/0"}, "VESTIBULE_TRUSTED_PROXIES", "every address"},
		{"a tenant that is no domain", []string{"VESTIBULE_TENANT_DOMAIN=contoso"}, "VESTIBULE_TENANT_DOMAIN", "contoso"},
		{"a sender with a second header", []string{"VESTIBULE_MAIL_FROM=A\r\nBcc: e@evil.com <a@b.co>"}, "VESTIBULE_MAIL_FROM", "sender"},
		{"user without password", []string{"VESTIBULE_SMTP_USERNAME=u"}, "VESTIBULE_SMTP_PASSWORD", "go together"},
		{"a server with its port", []string{"VESTIBULE_SMTP_HOST=mail.example.com:25"}, "VESTIBULE_SMTP_HOST", "host name"},
		{"a misspelt setting", []string{"VESTIBULE_SMPT_HOST=x"}, "VESTIBULE_SMPT_HOST", "no setting"},
		{"a file for what is no secret", []string{"VESTIBULE_ADDR_FILE=/x"}, "VESTIBULE_ADDR_FILE", "no setting"},
		{"a secret's file that is not there", []string{"VESTIBULE_SECRET_KEY_FILE=/nowhere"}, "VESTIBULE_SECRET_KEY_FILE", "cannot be read"},
		{"settings that are not there", []string{"VESTIBULE_CONFIG=/nowhere"}, "VESTIBULE_CONFIG", "cannot be read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(nil, nil, tc.environ...)
			var mistakes config.Mistakes
			require.ErrorAs(t, err, &mistakes)
			require.Len(t, mistakes, 1, "one mistake, one report: %v", mistakes)
			require.Equal(t, tc.about, mistakes[0].Name)
			require.Contains(t, mistakes[0].Problem, tc.says)
			require.NotEmpty(t, mistakes[0].Remedy)
		})
	}
}

func TestLoad_reportsAllMistakesAtOnceAndNoSecret(t *testing.T) {
	t.Parallel()
	files := map[string]string{"v.yaml": "smtp:\n  port: many\n  hots: x\nsecret_key: s3cr3t-in-yaml\nsecret_key_file: /k\n", "/k": goodKey}
	_, err := load(files, map[string]string{"VESTIBULE_SECRET_KEY": "s3cr3t-in-flag"},
		"VESTIBULE_CONFIG=v.yaml", "VESTIBULE_DATABASE_URL=postgres://u:s3cr3t@[::1/d", "VESTIBULE_SMTP_PASSWORD=s3cr3t-a",
		"VESTIBULE_SMTP_PASSWORD_FILE=/k", "VESTIBULE_LOG_LEVEL=loud", "VESTIBULE_LIMTS=off")
	var mistakes config.Mistakes
	require.ErrorAs(t, err, &mistakes)
	names := make([]string, len(mistakes))
	for i, m := range mistakes {
		names[i] = m.Name
	}
	for _, name := range []string{
		"VESTIBULE_SMTP_PORT", "VESTIBULE_SMTP_HOTS", "VESTIBULE_SECRET_KEY", "VESTIBULE_DATABASE_URL", "VESTIBULE_SMTP_PASSWORD",
		"VESTIBULE_LOG_LEVEL", "VESTIBULE_LIMTS",
	} {
		require.Contains(t, names, name)
	}
	require.NotContains(t, err.Error(), "s3cr3t")
	require.Contains(t, err.Error(), "did you mean VESTIBULE_SMTP_HOST?")
	require.Contains(t, err.Error(), "did you mean VESTIBULE_LIMITS?")
	require.Contains(t, err.Error(), "v.yaml:2")
}

func TestLoad_neverQuotesBrokenYAML(t *testing.T) {
	t.Parallel()
	_, err := load(map[string]string{"v.yaml": "smtp_password: \"s3cr3t\n  x: [\n"}, nil, "VESTIBULE_CONFIG=v.yaml")
	require.ErrorContains(t, err, "not valid YAML")
	require.NotContains(t, err.Error(), "s3cr3t")
}

func TestSettings_sayWhatTheyAre(t *testing.T) {
	t.Parallel()
	table := config.Table()
	for _, s := range config.Settings() {
		require.NotEmpty(t, s.Help, s.Name)
		require.NotEmpty(t, s.Form, s.Name)
		require.True(t, strings.HasPrefix(s.Name, "VESTIBULE_"), s.Name)
		require.Contains(t, table, "`"+s.Name+"`")
		require.Equal(t, s.Secret, s.Flag == "", "%s: secrets have no flag", s.Name)
	}
	require.Contains(t, table, "or `VESTIBULE_SECRET_KEY_FILE`")
	require.Len(t, strings.Split(strings.TrimSpace(table), "\n"), 2+len(config.Settings()))
}

func TestMistakes_isAnError(t *testing.T) {
	t.Parallel()
	_, err := load(nil, nil, "VESTIBULE_LOG_LEVEL=loud")
	require.True(t, strings.HasPrefix(err.Error(), "the settings need attention:\n  VESTIBULE_LOG_LEVEL is \"loud\" (environment)"), err.Error())
	require.NotErrorIs(t, err, errors.ErrUnsupported)
}
