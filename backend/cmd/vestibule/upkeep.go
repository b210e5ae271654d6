package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/vestibule-id/vestibule/backend/internal/app"
	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/config"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

type contextT = context.Context

// asOperator says in the audit that somebody at the server's own console acts.
func asOperator(ctx context.Context) context.Context {
	return audit.WithActor(ctx, audit.Actor{Kind: audit.KindOperator, Name: "console"})
}

// sentence shows a fault as the person would read it, and any other error as it is. What it is stays known: a database
// that is away is no invalid input.
func sentence(err error) error {
	f, ok := fault.From(err)
	switch {
	case errors.Is(err, database.ErrUnavailable):
		return explain(err)
	case ok:
		return errors.New(f.Sentence("en"))
	default:
		return err
	}
}

func migrateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "migrate", Short: "Bring the database's schema up to date, or show where it stands", Args: cobra.NoArgs}
	var dry bool
	up := &cobra.Command{
		Use: "up", Short: "Apply what is missing; serve does the same at start", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dry {
				return lookOnly(cmd, (*app.House).PrintPending)
			}
			return withHouse(cmd, func(context.Context, *app.House) error {
				fmt.Fprintln(cmd.OutOrStdout(), "The schema is up to date.")
				return nil
			})
		},
	}
	up.Flags().BoolVar(&dry, "dry-run", false, "print the statements that would run, and change nothing")
	cmd.AddCommand(up, &cobra.Command{
		Use: "status", Short: "List the migrations and which of them are applied", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return lookOnly(cmd, (*app.House).PrintMigrations) },
	})
	return cmd
}

// lookOnly shows something of the database and makes nothing: no key, no file, no schema.
func lookOnly(cmd *cobra.Command, show func(*app.House, context.Context, io.Writer) error) error {
	cfg, err := settings(nil)
	if err != nil {
		return err
	}
	house, err := app.Look(cmd.Context(), cfg, version)
	if errors.Is(err, app.ErrNoDatabase) { // shown as what it will be: an empty one
		folder, made := os.MkdirTemp("", "vestibule-look-")
		if made != nil {
			return made
		}
		defer func() { _ = os.RemoveAll(folder) }()
		empty := *cfg
		empty.DatabaseURL, empty.DataDir = secret.New("sqlite://"+folder+"/empty.db"), folder
		house, err = app.Build(cmd.Context(), app.Options{Config: &empty, Logger: quiet(cfg), Version: version})
	}
	if err != nil {
		return explain(err)
	}
	defer house.Close()
	return explain(show(house, cmd.Context(), cmd.OutOrStdout()))
}

func configCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Show or check the settings", Args: cobra.NoArgs}
	var into string
	table := &cobra.Command{
		Use: "table", Short: "Print all settings as a Markdown table", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if into == "" {
				fmt.Fprint(cmd.OutOrStdout(), config.Table())
				return nil
			}
			return replaceBetween(into, "<!-- settings -->", "<!-- /settings -->", config.Table())
		},
	}
	table.Flags().StringVar(&into, "into", "", "replace what stands between the settings marks of this file")
	cmd.AddCommand(table, &cobra.Command{
		Use: "print", Short: "Print every setting with its origin; secrets show as dots", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := settings(nil)
			if err != nil {
				return err
			}
			return cfg.Print(cmd.OutOrStdout())
		},
	}, &cobra.Command{
		Use: "check", Short: "Report every mistake in the settings at once", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := settings(nil); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "The settings are fine.")
			return nil
		},
	})
	return cmd
}

func replaceBetween(path, begin, end, text string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(raw), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s has no %s … %s", path, begin, end)
	}
	return os.WriteFile(path, []byte(before+begin+"\n"+text+end+after), 0o644)
}

func healthcheckCommand() *cobra.Command {
	var (
		ready bool
		wait  time.Duration
	)
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the running server whether it lives (or, with --ready, whether it is ready)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := settings(nil)
			if err != nil {
				return err
			}
			path := "/livez"
			if ready {
				path = "/readyz"
			}
			return fail(exitNotReady, ask(cmd.Context(), "http://"+reachable(cfg.Addr)+path, wait))
		},
	}
	cmd.Flags().BoolVar(&ready, "ready", false, "ask for readiness: database, schema, work")
	cmd.Flags().DurationVar(&wait, "wait", 0, "keep asking for so long")
	return cmd
}

// reachable turns the address one listens on into one that can be called.
func reachable(addr string) string {
	if port, ok := strings.CutPrefix(addr, "0.0.0.0:"); ok {
		return "127.0.0.1:" + port
	}
	if strings.HasPrefix(addr, ":") {
		return "127.0.0.1" + addr
	}
	return strings.Replace(addr, "[::]:", "[::1]:", 1)
}

func ask(ctx context.Context, url string, wait time.Duration) error {
	client := &http.Client{Timeout: 3 * time.Second}
	give := time.After(wait)
	for {
		err := once(ctx, client, url)
		if err == nil || wait == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-give:
			return err
		case <-time.After(250 * time.Millisecond):
		}
	}
}

func once(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("nothing answers at %s", url)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 2000))
		return fmt.Errorf("%s answers %d: %s", url, res.StatusCode, strings.TrimSpace(string(body)))
	}
	return nil
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), version) },
	}
}

func demoCommand() *cobra.Command {
	var ifEmpty bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Fill an empty database with the demo company",
		Long:  "Fills the configured database with Contoso, its partners Fabrikam and Northwind, flows, guests and waiting requests. Refused on a database that holds anything else.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := settings(nil)
			if err != nil {
				return err
			}
			err = app.SeedDemo(cmd.Context(), app.Options{Config: cfg, Logger: quiet(cfg), Version: version})
			switch {
			case errors.Is(err, app.ErrNotEmpty) && ifEmpty:
				return nil
			case errors.Is(err, app.ErrNotEmpty):
				return fail(exitConflict, err)
			default:
				return explain(err)
			}
		},
	}
	cmd.Flags().BoolVar(&ifEmpty, "if-empty", false, "do nothing, quietly, on a database that holds something")
	var asJSON bool
	people := &cobra.Command{
		Use: "people", Short: "List whom one can sign in as in the demo", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(app.DemoPeople())
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			for _, p := range app.DemoPeople() {
				fmt.Fprintf(w, "%s\t%s\t%s\n", p.Name, p.Email, p.Story)
			}
			return w.Flush()
		},
	}
	people.Flags().BoolVar(&asJSON, "json", false, "as JSON: [{name, email, roles, story}]")
	cmd.AddCommand(people)
	return cmd
}
