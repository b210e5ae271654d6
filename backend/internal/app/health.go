package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/operation"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/config"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
	"github.com/vestibule-id/vestibule/backend/migrations"
)

// doctor looks at the running house.
func (h *House) doctor() *operation.Doctor {
	return operation.NewDoctor(h.Clock, append(h.inner(), append(outer(h.Config), operation.ProbeProxy(
		strings.HasPrefix(h.Config.URL, "https:"), len(h.Config.TrustedProxies) > 0, h.watch.Forwarding))...)...)
}

// inner are the probes that need the house: the database and what is in it, and the way out for mail.
func (h *House) inner() []operation.Probe {
	wanted, err := database.NewestVersion(migrations.FS)
	if err != nil {
		panic(err) // embedded: there are some
	}
	try, sender := (func(context.Context) error)(nil), ""
	if smtp, ok := h.transport.(*notification.SMTP); ok {
		try = smtp.Try
	}
	if try != nil && !h.Config.OnLoopback() { // a portal for this machine alone asks nobody outside
		sender = h.Config.Sender.Address.Domain
	}
	return []operation.Probe{
		operation.ProbeDatabase(h.DB, wanted, h.Clock.Now),
		operation.ProbeJobs(h.DB, h.Jobs),
		operation.ProbeMail(h.Config.SMTPHost, try, h.Mail.Waiting),
		operation.ProbeSender(sender, h.resolver),
		operation.ProbeClock(h.DB, h.Audit.Newest),
		operation.ProbeBackup(h.DB),
	}
}

// outer are the probes that need the settings only.
func outer(cfg *config.Config) []operation.Probe {
	return []operation.Probe{operation.ProbeFolder(cfg.DataDir), operation.ProbeKey(cfg.DataDir, !cfg.SecretKey.IsZero())}
}

// Examine is the doctor's visit from the command line, beside a running server or without one. It makes neither key nor
// database, and goes as far as it gets: what keeps the house from being built is a finding too.
func Examine(ctx context.Context, cfg *config.Config, version string) []operation.Finding {
	probes := []operation.Probe{func(context.Context) []operation.Finding {
		return []operation.Finding{{Check: "settings", State: operation.StateOK, Code: "health_settings_good"}}
	}}
	h, finding := visit(ctx, cfg, version)
	if h != nil {
		defer h.Close()
		probes = append(probes, h.inner()...)
	} else {
		probes = append(probes, func(context.Context) []operation.Finding { return []operation.Finding{finding} })
	}
	probes = append(probes, outer(cfg)...)
	probes = append(probes, operation.ProbeProxy(strings.HasPrefix(cfg.URL, "https:"), len(cfg.TrustedProxies) > 0, nil))
	found, _ := operation.NewDoctor(clock.System(), probes...).Examine(ctx)
	return found
}

// ErrNoDatabase says that the SQLite file is not there yet.
var ErrNoDatabase = errors.New("there is no database yet: vestibule serve makes one")

// Look builds a house to look at beside a running server: it makes neither key nor database. ErrNoDatabase where there is
// none.
func Look(ctx context.Context, cfg *config.Config, version string) (*House, error) {
	if path, isFile := strings.CutPrefix(cfg.DatabaseURL.Reveal(), "sqlite://"); isFile {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, ErrNoDatabase
		}
	}
	if _, err := ExistingKeys(cfg); err != nil { // a probe of its own tells of the key
		stranger := *cfg
		stranger.SecretKey = secret.New("the doctor reads nothing that is sealed, 5192837465")
		cfg = &stranger
	}
	return Build(ctx, Options{Config: cfg, Logger: slog.New(slog.DiscardHandler), Version: version, Command: true})
}

func visit(ctx context.Context, cfg *config.Config, version string) (*House, operation.Finding) {
	h, err := Look(ctx, cfg, version)
	switch {
	case errors.Is(err, ErrNoDatabase):
		return nil, operation.Finding{Check: "database", State: operation.StateLook, Code: "health_database_missing"}
	case err != nil:
		return nil, operation.Finding{Check: "database", State: operation.StateBad, Code: "health_database_away", Params: map[string]string{"reason": err.Error()}}
	}
	return h, operation.Finding{}
}
