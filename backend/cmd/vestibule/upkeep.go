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
	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/config"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

type contextT = context.Context

// asOperator says in the audit that somebody at the server's own console acts.
func asOperator(ctx context.Context) context.Context {
	return audit.WithActor(ctx, audit.Actor{Kind: audit.KindOperator, Name: "console"})
}

// sentence shows a fault as the person would read it, and any other error as it is.
func sentence(err error) error {
	if f, ok := fault.From(err); ok {
		return errors.New(f.Sentence("en"))
	}
	return err
}

func migrateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "migrate", Short: "Bring the database's schema up to date, or show where it stands", Args: cobra.NoArgs}
	cmd.AddCommand(&cobra.Command{
		Use: "up", Short: "Apply what is missing; serve does the same at start", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withHouse(cmd, func(context.Context, *app.House) error {
				fmt.Fprintln(cmd.OutOrStdout(), "The schema is up to date.")
				return nil
			})
		},
	}, &cobra.Command{
		Use: "status", Short: "List the migrations and which of them are applied", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := settings(nil)
			if err != nil {
				return err
			}
			house, err := app.Build(cmd.Context(), app.Options{Config: cfg, Logger: quiet(cfg), Version: version, Command: true})
			if err != nil {
				return explain(err)
			}
			defer house.Close()
			return explain(house.PrintMigrations(cmd.Context(), cmd.OutOrStdout()))
		},
	})
	return cmd
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

func apikeyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "apikey", Short: "Make, list and revoke keys for programs", Args: cobra.NoArgs}
	var (
		name   string
		scopes []string
		life   time.Duration
	)
	create := &cobra.Command{
		Use:     "create --name NAME --scopes a,b",
		Short:   "Make a key; it is printed once, and nothing else on standard output",
		Example: "  vestibule apikey create --name nightly --scopes guests:read,requests:read",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withHouse(cmd, func(ctx contextT, house *app.House) error {
				wanted := identity.NewKey{Name: name, Scopes: scopes}
				if life > 0 {
					ends := house.Clock.Now().Add(life)
					wanted.ExpiresAt = &ends
				}
				_, token, err := house.Identity.CreateKey(asOperator(ctx), wanted)
				if err != nil {
					return fail(exitInvalid, sentence(err))
				}
				fmt.Fprintln(cmd.OutOrStdout(), token)
				return nil
			})
		},
	}
	create.Flags().StringVar(&name, "name", "", "what the key is for")
	create.Flags().StringSliceVar(&scopes, "scopes", nil, "what it may do: guests:read, requests:read, requests:decide, flows:read, operations:read, operations:write")
	create.Flags().DurationVar(&life, "expires-in", 90*24*time.Hour, "how long it lives; 0 for ever")
	_ = create.MarkFlagRequired("name")
	_ = create.MarkFlagRequired("scopes")
	list := &cobra.Command{
		Use: "list", Short: "List the keys", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withHouse(cmd, func(ctx contextT, house *app.House) error {
				keys, err := house.Identity.APIKeys(ctx)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tNAME\tSCOPES\tCREATED\tSTATE")
				for _, k := range keys {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, strings.Join(k.Scopes, ","), k.CreatedAt.Format(time.DateOnly), keyState(k, house.Clock.Now()))
				}
				return w.Flush()
			})
		},
	}
	revoke := &cobra.Command{
		Use: "revoke ID", Short: "Revoke a key at once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHouse(cmd, func(ctx contextT, house *app.House) error {
				return fail(exitInvalid, sentenceOrNil(house.Identity.RevokeKey(asOperator(ctx), args[0])))
			})
		},
	}
	cmd.AddCommand(create, list, revoke)
	return cmd
}

func keyState(k identity.APIKey, now time.Time) string {
	switch {
	case k.RevokedAt != nil:
		return "revoked"
	case k.ExpiresAt != nil && now.After(*k.ExpiresAt):
		return "expired"
	default:
		return "works"
	}
}

func sentenceOrNil(err error) error {
	if err == nil {
		return nil
	}
	return sentence(err)
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
