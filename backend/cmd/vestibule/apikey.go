package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/vestibule-id/vestibule/backend/internal/app"
	"github.com/vestibule-id/vestibule/backend/internal/identity"
)

func apikeyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "apikey", Short: "Make, list and revoke keys for programs", Args: cobra.NoArgs}
	revoke := &cobra.Command{
		Use: "revoke ID", Short: "Revoke a key at once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHouse(cmd, func(ctx contextT, house *app.House) error {
				return fail(exitInvalid, sentenceOrNil(house.Identity.RevokeKey(asOperator(ctx), args[0])))
			})
		},
	}
	cmd.AddCommand(apikeyCreateCommand(), apikeyListCommand(), revoke)
	return cmd
}

func apikeyCreateCommand() *cobra.Command {
	var (
		name   string
		scopes []string
		life   time.Duration
	)
	cmd := &cobra.Command{
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
	cmd.Flags().StringVar(&name, "name", "", "what the key is for")
	cmd.Flags().StringSliceVar(&scopes, "scopes", nil, "what it may do: guests:read, requests:read, requests:decide, flows:read, operations:read, operations:write")
	cmd.Flags().DurationVar(&life, "expires-in", 90*24*time.Hour, "how long it lives; 0 for ever")
	_ = cmd.MarkFlagRequired("name")
	_ = cmd.MarkFlagRequired("scopes")
	return cmd
}

func apikeyListCommand() *cobra.Command {
	return &cobra.Command{
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
