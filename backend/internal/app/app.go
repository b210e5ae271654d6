package app

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/approval"
	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/catalog"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/operation"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/config"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/jobs"
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
	"github.com/vestibule-id/vestibule/backend/internal/platform/trace"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
	"github.com/vestibule-id/vestibule/backend/internal/signup"
	"github.com/vestibule-id/vestibule/backend/migrations"
)

// Options of Build. Config and Logger are needed.
type Options struct {
	Config  *config.Config
	Logger  *slog.Logger
	Version string
	// Clock is the system's if nil.
	Clock clock.Clock
	// Mute lets no mail leave the house and counts no budgets: for the demo's past year.
	Mute bool
	// Command is for a short visit beside a running server: the SQLite file is not claimed for this process alone.
	Command bool
}

// House is every room, wired.
type House struct {
	Config    *config.Config
	Log       *slog.Logger
	Clock     clock.Clock
	IDs       ids.Source
	DB        *database.DB
	Jobs      *jobs.Queue
	Audit     *audit.Log
	Mail      *notification.Service
	People    *directory.Directory
	Flows     *flow.Service
	Identity  *identity.Service
	Approvals *approval.Service
	Signups   *signup.Service
	Catalog   *catalog.Catalog
	Operation *operation.Service
	Limits    *limits.Limits
	Metrics   *operation.Metrics // nil unless there is a listener that shows them

	watch     *web.Watch
	resolver  operation.Resolver
	tracer    *trace.Tracer // nil unless a collector is named
	keys      secret.Keys
	transport notification.Transport
	version   string
}

// Build makes the house ready to migrate and serve; nothing runs yet, and the database need not be up.
func Build(ctx context.Context, o Options) (*House, error) {
	cfg, clk := o.Config, o.Clock
	if clk == nil {
		clk = clock.System()
	}
	source := ids.System(clk)
	keys, err := masterKeys(cfg, source)
	if err != nil {
		return nil, err
	}
	db, err := database.Open(ctx, database.Options{
		URL: cfg.DatabaseURL.Reveal(), Clock: clk, Logger: o.Logger, MaxConns: cfg.DatabaseMaxConns, Shared: o.Command,
	})
	if err != nil {
		return nil, err
	}
	h := &House{Config: cfg, Log: o.Logger, Clock: clk, IDs: source, DB: db, keys: keys, version: o.Version, watch: &web.Watch{}, resolver: net.DefaultResolver}
	if cfg.OpsAddr != "" {
		h.Metrics = operation.NewMetrics(o.Version)
	}

	// Floors 0 and 1: work, memory, mail.
	h.Jobs = jobs.New(db, clk, source, o.Logger)
	h.Limits = limits.New(db, cfg.LimitsOn() && !o.Mute)
	h.Audit = audit.New(db, source, keys)
	h.Mail = h.post(o)

	// Floors 2 and 3: people, who is at the door, what is asked, who decides.
	h.People = directory.New(db, h.Audit, source, directory.Options{
		TenantDomain: cfg.TenantDomain, MailFrom: cfg.Sender.Address.String(), Mailbox: cfg.Mailbox(), Languages: languages,
		Version: o.Version, Caller: callerID, ReadsAudit: readsAudit,
	})
	h.Flows = flow.New(flow.Needs{DB: db, Audit: h.Audit, IDs: source, Clock: clk, Catalogue: h.People, BaseURL: cfg.URL})
	h.Identity = identity.New(identity.Needs{
		DB: db, People: h.People, Audit: h.Audit, IDs: source, Keys: keys, Limits: h.Limits, Mail: h.Mail, BaseURL: cfg.URL,
		CodeLifetime: cfg.CodeLifetime, Mailbox: cfg.Mailbox(), NoSignup: signup.ErrNoSignup, AskPath: h.askPath, Log: o.Logger,
	})
	h.Approvals = approval.New(approval.Needs{
		DB: db, Clock: clk, IDs: source, Audit: h.Audit, Mail: h.Mail, People: h.People, Flows: h.Flows, BaseURL: cfg.URL,
	})

	h.stories()
	h.chores()
	h.observe()
	return h, nil
}

// stories opens floor 4, and the doors by which lower rooms call up.
func (h *House) stories() {
	h.Signups = signup.New(signup.Needs{
		DB: h.DB, Clock: h.Clock, IDs: h.IDs, Audit: h.Audit, Mail: h.Mail, Limits: h.Limits, People: h.People, Flows: h.Flows,
		Approvals: h.Approvals, Identity: h.Identity, BaseURL: h.Config.URL,
	})
	h.Catalog = catalog.New(h.People, catalog.Options{Caller: caller})
	h.Operation = operation.New(operation.Needs{DB: h.DB, Jobs: h.Jobs, Audit: h.Audit, Doctor: h.doctor(), Version: h.version})

	h.Approvals.OnDecided("signup", h.Signups.Decide)
	h.People.OnRequests(h.requestsOf)
	h.Catalog.OnWaiting(h.waitingFor)
}

// chores are the works that come round by themselves, once across all replicas.
func (h *House) chores() {
	every := func(name string, interval time.Duration, fn func(ctx context.Context) error) {
		h.Jobs.Every(name, interval, func(ctx context.Context, _ jobs.Run) error { return fn(ctx) })
	}
	every("approval.expire", time.Minute, func(ctx context.Context) error {
		_, err := h.Approvals.ExpireLapsed(ctx)
		return err
	})
	every("audit.seal", time.Hour, func(ctx context.Context) error {
		return h.Audit.SealSettled(ctx, func(s audit.Seal) {
			h.Log.Info("audit sealed", "number", s.Number, "events", s.Events, "seal", hex.EncodeToString(s.Seal))
		})
	})
	every("approval.links", 6*time.Hour, h.Approvals.DropOldLinks)
	every("signup.sweep", time.Hour, h.Signups.DeleteOld)
	every("identity.sweep", time.Hour, h.Identity.Sweep)
	every("limits.sweep", time.Hour, func(ctx context.Context) error {
		_, err := h.Limits.Sweep(ctx)
		return err
	})
	every("web.sweep", time.Hour, func(ctx context.Context) error { return web.PurgeIdempotency(ctx, h.DB) })
}

// Migrate brings the schema up to date; replicas that start together do it once.
// A database that a restore has left half-way is ErrUnfinished.
func (h *House) Migrate(ctx context.Context) error {
	if err := h.DB.Migrate(ctx, migrations.FS); err != nil {
		return err
	}
	return h.whole(ctx)
}

// Close lets go of the database.
func (h *House) Close() {
	if err := errors.Join(h.transport.Close(), h.DB.Close()); err != nil {
		h.Log.Warn("closing", "error", err)
	}
}

// PrintMigrations lists the schema's steps and which of them are done.
func (h *House) PrintMigrations(ctx context.Context, w io.Writer) error {
	steps, err := h.DB.MigrationStatus(ctx, migrations.FS)
	if err != nil {
		return err
	}
	for _, s := range steps {
		state := "waiting"
		if !s.AppliedAt.IsZero() {
			state = "applied " + s.AppliedAt.Format(time.DateTime)
		}
		fmt.Fprintf(w, "%-28s %s\n", state, cmp.Or(s.File, "(not of this version)"))
	}
	return nil
}

// PrintPending shows what bringing the schema up to date would run, and changes nothing. It says whether the schema is
// newer than this version, as an error.
func (h *House) PrintPending(ctx context.Context, w io.Writer) error {
	steps, err := h.DB.MigrationStatus(ctx, migrations.FS)
	if err != nil {
		return err
	}
	pending := 0
	for _, s := range steps {
		switch {
		case s.File == "":
			return fmt.Errorf("the database has schema %d, which this version does not know: start the newer version, or restore a backup of before", s.Version)
		case !s.AppliedAt.IsZero():
			continue
		}
		sql, err := h.DB.MigrationSQL(migrations.FS, s.File)
		if err != nil {
			return err
		}
		pending++
		fmt.Fprintf(w, "-- %s\n%s\n", s.File, sql)
	}
	if pending == 0 {
		fmt.Fprintln(w, "-- The schema is up to date: nothing would run.")
	}
	return nil
}

func masterKeys(cfg *config.Config, source ids.Source) (secret.Keys, error) {
	if !cfg.SecretKey.IsZero() {
		return secret.NewKeys(cfg.SecretKey)
	}
	keys, err := secret.LoadOrCreate(cfg.DataDir, source.Token)
	if folder := (*fs.PathError)(nil); errors.As(err, &folder) {
		err = fmt.Errorf("%w: give the data folder %s to the user that runs Vestibule, or name another one in VESTIBULE_DATA_DIR", err, cfg.DataDir)
	}
	return keys, err
}
