package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/vestibule-id/vestibule/backend/internal/app"
	"github.com/vestibule-id/vestibule/backend/internal/operation"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
)

func doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look at everything the portal needs, and say how to mend what is wrong", Args: cobra.NoArgs,
		Long: `Looks at the settings, the database, waiting and stopped work, the mail server, the DNS of the sender's domain, the clock,
backups, the data folder, the secret key and proxies, beside a running server or without one. It changes nothing.
Exit code 0 if nothing is bad, 3 if something is; what only wants a look does not count. Staff see the same at /admin/health.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var found []operation.Finding
			cfg, err := settings(nil)
			if err != nil {
				found = []operation.Finding{{Check: "settings", State: operation.StateBad, Code: "health_settings_wrong", Params: map[string]string{"reason": err.Error()}}}
			} else {
				found = app.Examine(cmd.Context(), cfg, version)
			}
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				err = encoder.Encode(operation.Report(found, clock.System().Now(), version, "en"))
			} else {
				err = printFindings(cmd.OutOrStdout(), found)
			}
			if err == nil && operation.Worst(found) == operation.StateBad {
				return fail(exitNotReady, errors.New("something is bad; see above"))
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, in the form of GET /api/v1/health")
	return cmd
}

// marks stand before each line, so that no state is told by colour alone.
var marks = map[operation.State]string{
	operation.StateOK: "ok  ", operation.StateUnknown: "-   ", operation.StateLook: "look", operation.StateBad: "BAD ",
}

func printFindings(w io.Writer, found []operation.Finding) error {
	for _, f := range found {
		value := ""
		if f.Value != "" {
			value = " (" + f.Value + ")"
		}
		if _, err := fmt.Fprintf(w, "%s  %s: %s%s\n", marks[f.State], f.Title("en"), f.Says("en"), value); err != nil {
			return err
		}
		if mend := f.Mends("en"); mend != "" {
			fmt.Fprintf(w, "      → %s\n", mend)
		}
		if r := f.Record; r != nil {
			fmt.Fprintf(w, "      → %s %s %q\n", r.Type, r.Name, r.Value)
		}
	}
	return nil
}
