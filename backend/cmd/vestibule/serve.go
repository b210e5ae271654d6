package main

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/vestibule-id/vestibule/backend/internal/app"
)

// calmGC lets the heap, which is small beside the program itself, grow to three times what is alive before it is
// collected: a few megabytes for half of the collector's work. GOGC says otherwise.
const calmGC = 200

// fewestThreads run at the same time, also on one processor. With one, the runtime looks at what its queue of 256 has no
// room for only now and then, and under overload some connections waited seconds for what others got at once (security.md
// R21); with two, the second takes what the first has left lying. GOMAXPROCS says otherwise.
const fewestThreads = 2

func serveCommand() *cobra.Command {
	flags := map[string]*string{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Start the portal",
		Long: `Starts the portal and its background work. Without settings: SQLite in ./data, http://127.0.0.1:8080,
and the built-in mailbox at /_mail. On an empty database it prints a one-time set-up link.

It stops gracefully on SIGTERM within 30 seconds, and at once on a second one.`,
		Example: "  vestibule serve\n  VESTIBULE_DATABASE_URL=postgres://vestibule@db/vestibule vestibule serve --addr 0.0.0.0:8080",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(calmGC)
			}
			if os.Getenv("GOMAXPROCS") == "" {
				runtime.GOMAXPROCS(max(fewestThreads, runtime.GOMAXPROCS(0)))
			}
			given := map[string]string{}
			for name, value := range flags {
				if *value != "" {
					given[name] = *value
				}
			}
			cfg, err := settings(given)
			if err != nil {
				return err
			}
			lines := logger(cfg)
			slog.SetDefault(lines) // net/http says some things by the standard log, which would be no line of ours (T103)
			house, err := app.Build(cmd.Context(), app.Options{Config: cfg, Logger: lines, Version: version})
			if err != nil {
				return err
			}
			defer house.Close()
			return house.Serve(cmd.Context(), func(banner string) { fmt.Fprint(os.Stdout, banner) })
		},
	}
	for flag, setting := range map[string]string{"addr": "VESTIBULE_ADDR", "url": "VESTIBULE_URL", "data-dir": "VESTIBULE_DATA_DIR", "config": "VESTIBULE_CONFIG"} {
		flags[setting] = cmd.Flags().String(flag, "", "as "+setting)
	}
	return cmd
}

func setupLinkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "setup-link",
		Short: "Print a new one-time link for the first administrator",
		Long:  "Prints a link that works once, for 30 minutes, while there is no administrator. Stop the server first if it uses SQLite.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withHouse(cmd, func(ctx contextT, house *app.House) error {
				link, err := house.Identity.CreateSetupLink(ctx)
				if err != nil {
					return fail(exitConflict, sentence(err))
				}
				fmt.Fprintln(cmd.OutOrStdout(), link)
				return nil
			})
		},
	}
}
