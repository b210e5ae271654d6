package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// secretsCommand makes the random secrets of docker-compose.yml in a volume, so that no default password exists.
func secretsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "secrets", Short: "Make the secrets that docker-compose.yml needs", Args: cobra.NoArgs, Hidden: true}
	cmd.AddCommand(&cobra.Command{
		Use: "init FOLDER", Short: "Write secret_key, postgres_password and database_url, once", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			source := ids.System(clock.System())
			password := source.Token()
			files := []struct{ name, content string }{
				{"secret_key", source.Token()},
				{"postgres_password", password},
				// Last: it holds the password, so its presence says that all are there.
				{"database_url", "postgres://vestibule:" + password + "@postgres:5432/vestibule?sslmode=disable"},
			}
			if _, err := os.Stat(filepath.Join(args[0], "database_url")); err == nil {
				return nil
			} else if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			for _, f := range files {
				// 0644: PostgreSQL's image reads its password as another user; the volume is mounted nowhere else.
				if err := os.WriteFile(filepath.Join(args[0], f.name), []byte(f.content), 0o644); err != nil {
					return fmt.Errorf("write %s: %w", f.name, err)
				}
			}
			return nil
		},
	})
	return cmd
}
