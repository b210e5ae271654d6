package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/vestibule-id/vestibule/backend/internal/app"
	"github.com/vestibule-id/vestibule/backend/internal/platform/config"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/log"
)

// settings reads the configuration; every mistake is reported at once.
func settings(flags map[string]string) (*config.Config, error) {
	cfg, err := config.Load(config.Sources{Environ: os.Environ(), Flags: flags})
	return cfg, fail(exitInvalid, err)
}

func logger(cfg *config.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // config has checked it
	return log.New(os.Stderr, log.Options{Level: level, Format: log.Format(cfg.LogFormat)})
}

// withHouse runs fn in a built house whose schema is up to date, without serving. Commands use it on the configured
// database; on SQLite that is refused while a server runs, because the file has one owner.
func withHouse(cmd *cobra.Command, fn func(ctx context.Context, house *app.House) error) error {
	cfg, err := settings(nil)
	if err != nil {
		return err
	}
	house, err := app.Build(cmd.Context(), app.Options{Config: cfg, Logger: quiet(cfg), Version: version, Command: true})
	if err != nil {
		return explain(err)
	}
	defer house.Close()
	if err := house.Migrate(cmd.Context()); err != nil {
		return explain(err)
	}
	return fn(cmd.Context(), house)
}

// quiet keeps a command's own words readable: only warnings and errors reach the terminal.
func quiet(_ *config.Config) *slog.Logger {
	return log.New(os.Stderr, log.Options{Level: slog.LevelWarn, Format: log.Text})
}

func explain(err error) error {
	if errors.Is(err, database.ErrUnavailable) {
		return fail(exitNotReady, errors.New("the database is not reachable; check VESTIBULE_DATABASE_URL and that it runs ("+err.Error()+")"))
	}
	return err
}
