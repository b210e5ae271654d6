package faults

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/mailstand"
	"github.com/vestibule-id/vestibule/e2e/stack"
)

// long says whether the numbers of the table are wanted, or the short form of it.
var long = os.Getenv("VESTIBULE_TEST_FAULTS") == "long"

// of chooses a number by form.
func of[N any](inShort, inLong N) N {
	if long {
		return inLong
	}
	return inShort
}

// world is what the tests of this run share: a cluster with the durability of production, and furnished houses to copy.
var world struct {
	postgres *stack.Postgres
	folder   string
	file     string // a furnished SQLite database
	database string // the name of a furnished PostgreSQL database
}

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == flag.Lookup("test.parallel").DefValue {
		_ = flag.Set("test.parallel", of("6", "1")) // the short form mostly waits
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	err := openWorld(ctx)
	cancel()
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, "FAIL:", err)
	}
	if world.postgres != nil {
		world.postgres.Close()
	}
	_ = os.RemoveAll(world.folder)
	os.Exit(code)
}

func openWorld(ctx context.Context) (err error) {
	if world.folder, err = os.MkdirTemp("", "vestibule-faults-"); err != nil {
		return err
	}
	seed := stack.Plan{Folder: filepath.Join(world.folder, "seed"), Limits: "off"}
	if err := os.Mkdir(seed.Folder, 0o700); err != nil {
		return err
	}
	if err := furnish(ctx, seed); err != nil {
		return err
	}
	world.file = seed.File()
	if os.Getenv(inside) != "" {
		return nil // the disk alone
	}
	if world.postgres, err = stack.OpenDurablePostgres(ctx); err != nil {
		return err
	}
	fmt.Println("PostgreSQL:", world.postgres.From, "· form:", of("short", "long"))
	if seed.Database, err = world.postgres.NewDatabase(ctx); err != nil {
		return err
	}
	world.database = nameOf(seed.Database)
	return furnish(ctx, seed)
}

func nameOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Path, "/")
}

// furnish brings in the demo company and the flow of the tests, through the doors an operator has. Nothing of that need
// survive a crash.
func furnish(ctx context.Context, plan stack.Plan) error {
	if !plan.SQLite() {
		plan.Database += "&synchronous_commit=off"
	}
	_, err := plan.Run(ctx, "demo")
	if err == nil {
		_, err = plan.Run(ctx, "flow", "apply", "-f", filepath.Join(stack.Root(), "e2e", "faults", "testdata"))
	}
	return err
}

// bothKinds runs a test on both databases, side by side in the short form.
func bothKinds(t *testing.T, test func(t *testing.T, kind string)) {
	t.Helper()
	alongside(t)
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			alongside(t)
			test(t, kind)
		})
	}
}

func alongside(t *testing.T) {
	t.Helper()
	if !long {
		t.Parallel()
	}
}

// newPlan is a furnished house on a database of kind, that writes to mail.
func newPlan(t *testing.T, kind string, mail *mailstand.Server) stack.Plan {
	t.Helper()
	plan := stack.Plan{Folder: t.TempDir(), Limits: "off", SMTP: mail.SMTP, Env: map[string]string{"VESTIBULE_LOG_LEVEL": "warn"}}
	if kind == "postgres" {
		address, err := world.postgres.Copy(t.Context(), world.database)
		require.NoError(t, err)
		plan.Database = address
		return plan
	}
	require.NoError(t, copyFile(plan.File(), world.file))
	return plan
}

func copyFile(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
