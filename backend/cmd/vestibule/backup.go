package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/vestibule-id/vestibule/backend/internal/app"
	"github.com/vestibule-id/vestibule/backend/internal/platform/backup"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

func backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "backup", Short: "Back the database up, check a backup, restore one", Args: cobra.NoArgs,
		Long: `A backup is one file with everything of the database but sessions, codes and links, also while the server runs.
It does not hold the secret key: keep that apart. A backup of SQLite may be restored into PostgreSQL and the other way
round. docs/backup.md says more.`,
	}
	cmd.AddCommand(backupCreateCommand(), backupVerifyCommand(), backupRestoreCommand())
	return cmd
}

func backupCreateCommand() *cobra.Command {
	var out string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "create", Short: "Write a backup of the configured database", Args: cobra.NoArgs,
		Example: "  vestibule backup create\n  vestibule backup create --out /backup/   # a folder: named by the time",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := settings(nil)
			if err != nil {
				return err
			}
			if _, err := app.ExistingKeys(cfg); err != nil {
				return fail(exitInvalid, err) // a backup of a key that is made just now would be of no use
			}
			house, err := app.Build(cmd.Context(), app.Options{Config: cfg, Logger: quiet(cfg), Version: version, Command: true})
			if err != nil {
				return explain(err)
			}
			defer house.Close()
			path := out
			if info, err := os.Stat(out); out == "" || err == nil && info.IsDir() {
				path = filepath.Join(out, "vestibule-"+clock.System().Now().Format("20060102T150405Z")+".tar")
			}
			made, err := house.Backup(cmd.Context(), path, progress(cmd))
			if err != nil {
				return explain(err)
			}
			return tellBackup(cmd, path, made, asJSON)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the file, or a folder for it; default: a file named by the time, here")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the manifest as JSON")
	return cmd
}

// progress tells of every table on standard error: standard output is for the result.
func progress(cmd *cobra.Command) func(string, int64) {
	return func(table string, rows int64) { fmt.Fprintf(cmd.ErrOrStderr(), "%-28s %d\n", table, rows) }
}

func tellBackup(cmd *cobra.Command, path string, m *backup.Manifest, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
			File string `json:"file"`
			*backup.Manifest
		}{path, m})
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %d rows of %s, schema %d, made %s by Vestibule %s, for the key %s.\n",
		path, m.Rows(), m.Dialect, m.Schema, m.MadeAt.Format("2006-01-02 15:04:05Z"), m.Program, m.Fingerprint)
	return nil
}

func backupVerifyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "verify FILE", Short: "Read a whole backup and say whether it is sound", Args: cobra.ExactArgs(1),
		Long: `Reads every byte and holds it against the manifest. Needs neither the database nor the server. If a secret key is
configured here, it also says whether the backup belongs to it and whether somebody has written its manifest anew.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := settings(nil)
			if err != nil {
				return err
			}
			var here *secret.Keys
			if keys, err := app.ExistingKeys(cfg); err == nil {
				here = &keys
			} else if !errors.Is(err, fs.ErrNotExist) {
				return fail(exitInvalid, err)
			}
			checked, err := app.CheckBackup(args[0], here)
			if err != nil {
				return refusedBackup(err)
			}
			if err := tellBackup(cmd, args[0], &checked.Manifest, asJSON); err != nil {
				return err
			}
			if here == nil {
				fmt.Fprintln(cmd.ErrOrStderr(), "The parts are sound. There is no secret key here, so the seal was not checked.")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the manifest as JSON")
	return cmd
}

func backupRestoreCommand() *cobra.Command {
	return &cobra.Command{
		Use: "restore FILE", Short: "Load a backup into the configured database, which must be empty", Args: cobra.ExactArgs(1),
		Long: `Loads a backup into the database that VESTIBULE_DATABASE_URL (or the data folder) names. That must be empty, and the
secret key must be the one of the portal the backup was made in. Whatever does not fit is refused before anything is written.

Afterwards history does not play again: everybody has to sign in anew, codes and links of before are dead, and mails that
were waiting wait for your decision at /admin/jobs.`,
		Example: "  VESTIBULE_DATA_DIR=/var/lib/vestibule vestibule backup restore /backup/vestibule-20261121T020000Z.tar",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := settings(nil)
			if err != nil {
				return err
			}
			done, err := app.Restore(cmd.Context(), app.Restoration{Config: cfg, Logger: quiet(cfg), Version: version, Path: args[0], Told: progress(cmd)})
			if err != nil {
				return refusedBackup(err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Restored %d rows as of %s. Everybody has to sign in again; codes and links of before are dead.\n",
				done.Manifest.Rows(), done.Manifest.MadeAt.Format("2006-01-02 15:04:05Z"))
			if done.Held > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "%d mails that were waiting then are held: decide at /admin/jobs whether they still have to go.\n", done.Held)
			}
			if done.LiveKeys > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "%d API keys work as they did then. If you have revoked some since, revoke them again: vestibule apikey list.\n", done.LiveKeys)
			}
			return nil
		},
	}
}

// refusedBackup gives a refusal its exit code.
func refusedBackup(err error) error {
	for _, invalid := range []error{backup.ErrNotBackup, backup.ErrCut, backup.ErrAltered, backup.ErrNewer, backup.ErrForeign} {
		if errors.Is(err, invalid) {
			return fail(exitInvalid, err)
		}
	}
	if errors.Is(err, backup.ErrOtherKey) || errors.Is(err, backup.ErrNotEmpty) {
		return fail(exitConflict, err)
	}
	return explain(err)
}
