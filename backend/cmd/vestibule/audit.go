package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/vestibule-id/vestibule/backend/internal/app"
	"github.com/vestibule-id/vestibule/backend/internal/audit"
)

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "Check that the record of acts is as it was written", Args: cobra.NoArgs}
	cmd.AddCommand(auditVerifyCommand())
	return cmd
}

func auditVerifyCommand() *cobra.Command {
	var noted string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "verify", Short: "Hold every event against the seals over it", Args: cobra.NoArgs,
		Long: `Every hour the server puts a seal on the events that are older than ten minutes: a hash of them and of the seal before,
under a key that is not in the database. This command computes them all again, beside a running server or without one.
It finds events that were changed, taken away or put in between, and seals that were. To find out also that the newest
events were taken away with their seals, keep a seal elsewhere (the server logs each as "audit sealed") and name it
with --noted. Exit code 1 if something is not as it was sealed.`,
		Example: "  vestibule audit verify\n  vestibule audit verify --noted 812:5f3c…",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var kept audit.Noted
			if noted != "" {
				var err error
				if kept, err = audit.ParseNoted(noted); err != nil {
					return fail(exitUsage, err)
				}
			}
			cfg, err := settings(nil)
			if err != nil {
				return err
			}
			if _, err := app.ExistingKeys(cfg); err != nil {
				return fail(exitInvalid, err) // nothing was sealed with a key that is made just now
			}
			house, err := app.Build(cmd.Context(), app.Options{Config: cfg, Logger: quiet(cfg), Version: version, Command: true})
			if err != nil {
				return explain(err)
			}
			defer house.Close()
			found, err := house.Audit.Verify(cmd.Context(), kept)
			if err != nil {
				return explain(err)
			}
			if err := tellVerdict(cmd.OutOrStdout(), found, asJSON); err != nil {
				return err
			}
			return found.Err()
		},
	}
	cmd.Flags().StringVar(&noted, "noted", "", "a seal that was written down elsewhere: NUMBER:SEAL")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func tellVerdict(w io.Writer, v *audit.Verdict, asJSON bool) error {
	newest := ""
	if v.Seals > 0 {
		newest = fmt.Sprintf("%d:%s", v.Newest.Number, hex.EncodeToString(v.Newest.Seal))
	}
	if asJSON {
		return json.NewEncoder(w).Encode(struct {
			Seals  int           `json:"seals"`
			Events int64         `json:"events"`
			Open   int64         `json:"open"`
			Newest string        `json:"newest"`
			Breaks []audit.Break `json:"breaks"`
		}{v.Seals, v.Events, v.Open, newest, append([]audit.Break{}, v.Breaks...)})
	}
	for _, b := range v.Breaks {
		fmt.Fprintln(w, "BAD  "+b.String())
	}
	fmt.Fprintf(w, "%d seals over %d events; %d events are too young for one.\n", v.Seals, v.Events, v.Open)
	if newest != "" {
		fmt.Fprintf(w, "Newest seal, of %s: %s\n", v.Newest.SealedAt.Format("2006-01-02 15:04:05Z"), newest)
	}
	return nil
}
