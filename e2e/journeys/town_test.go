package journeys

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/contract"
	"github.com/vestibule-id/vestibule/e2e/stack"
)

// town is a house on one database, with everything around it.
type town struct {
	name     string // sqlite or postgres
	plan     stack.Plan
	replicas []*stack.House
	mail     *stack.Mail
	eyes     *stack.Eyes

	mu    sync.Mutex
	staff map[string]*person // signed in once, shared by all stories
}

// world is what all stories of this run share.
var world struct {
	postgres *stack.Postgres
	mail     *stack.Mail
	towns    []*town
	folders  []string
}

var theContract *contract.Contract

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == flag.Lookup("test.parallel").DefValue {
		_ = flag.Set("test.parallel", "8") // stories mostly wait
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	err := openWorld(ctx)
	cancel()
	code := 1
	if err == nil {
		code = m.Run()
		if err = closeTowns(); err != nil && code == 0 {
			code = 1
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAIL:", err)
	}
	closeWorld()
	os.Exit(code)
}

func openWorld(ctx context.Context) (err error) {
	if theContract, err = contract.Load(filepath.Join(stack.Root(), "backend", "api", "openapi.yaml")); err != nil {
		return err
	}
	if world.postgres, err = stack.OpenPostgres(ctx); err != nil {
		return err
	}
	if world.mail, err = stack.OpenMail(ctx); err != nil {
		return err
	}
	fmt.Println("PostgreSQL:", world.postgres.From, "· mail:", world.mail.Name)
	var wait sync.WaitGroup
	towns := []struct {
		name     string
		replicas int
	}{{"sqlite", 1}, {"postgres", 2}}
	world.towns = make([]*town, len(towns))
	failures := make([]error, len(towns))
	for i, want := range towns {
		wait.Go(func() { world.towns[i], failures[i] = openTown(ctx, want.name, want.replicas) })
	}
	wait.Wait()
	return errors.Join(failures...)
}

// newPlan is a house with nothing in it.
func newPlan(ctx context.Context, kind string, mail *stack.Mail) (stack.Plan, error) {
	folder, err := os.MkdirTemp("", "vestibule-e2e-")
	if err != nil {
		return stack.Plan{}, err
	}
	remember(folder)
	plan := stack.Plan{Folder: folder, Limits: "off"}
	if mail != nil {
		plan.SMTP = mail.SMTP
	}
	if kind == "postgres" {
		plan.Database, err = world.postgres.NewDatabase(ctx)
	}
	return plan, err
}

var folderMu sync.Mutex

func remember(folder string) {
	folderMu.Lock()
	defer folderMu.Unlock()
	world.folders = append(world.folders, folder)
}

// furnish brings in the demo company and the flows of the stories, through the doors an operator has.
func furnish(ctx context.Context, plan stack.Plan) error {
	if _, err := plan.Run(ctx, "demo"); err != nil {
		return err
	}
	_, err := plan.Run(ctx, "flow", "apply", "-f", filepath.Join(stack.Root(), "e2e", "journeys", "testdata", "flows"))
	return err
}

func openTown(ctx context.Context, kind string, replicas int) (*town, error) {
	plan, err := newPlan(ctx, kind, world.mail)
	if err != nil {
		return nil, err
	}
	if err := furnish(ctx, plan); err != nil {
		return nil, err
	}
	return openHouses(ctx, kind, plan, replicas)
}

// openHouses starts replicas of plan. Their URL is the first one's, as it would be behind a load balancer.
func openHouses(ctx context.Context, kind string, plan stack.Plan, replicas int) (*town, error) {
	tn := &town{name: kind, plan: plan, mail: world.mail, staff: map[string]*person{}}
	for range replicas {
		if err := tn.opensReplica(ctx); err != nil {
			return nil, err
		}
	}
	var err error
	tn.eyes, err = plan.Eyes()
	return tn, err
}

// opensReplica starts one more replica under the public address of the first.
func (tn *town) opensReplica(ctx context.Context) error {
	port, err := stack.FreePort()
	if err != nil {
		return err
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	if tn.plan.Public == "" {
		tn.plan.Public = "http://" + addr
	}
	house, err := tn.plan.StartAt(addr)
	if err != nil {
		return err
	}
	tn.replicas = append(tn.replicas, house)
	return house.Ready(ctx)
}

// each tells a story once per house, in parallel.
func each(t *testing.T, story func(t *testing.T, tn *town)) {
	t.Helper()
	t.Parallel()
	for _, tn := range world.towns {
		t.Run(tn.name, func(t *testing.T) {
			t.Parallel()
			story(t, tn)
		})
	}
}

// own opens a house for one story alone, furnished, on a database of kind; change may alter its plan. It is stopped
// when the story ends.
func own(t *testing.T, kind string, replicas int, change func(*stack.Plan)) *town {
	t.Helper()
	plan, err := newPlan(t.Context(), kind, world.mail)
	require.NoError(t, err)
	require.NoError(t, furnish(t.Context(), plan))
	if change != nil {
		change(&plan)
	}
	tn, err := openHouses(t.Context(), kind, plan, replicas)
	require.NoError(t, err)
	t.Cleanup(func() { tn.close(t) })
	return tn
}

// close stops a house of one story and asks its invariants.
func (tn *town) close(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	for _, h := range tn.replicas {
		if err := h.Stop(ctx); err != nil && !t.Failed() {
			t.Errorf("stop: %v", err)
		}
	}
	if err := tn.holds(ctx); err != nil {
		t.Error(err)
	}
	tn.eyes.Close()
}

// closeTowns stops the shared houses and asks the invariants.
func closeTowns() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var failures []error
	for _, tn := range world.towns {
		for _, h := range tn.replicas {
			if err := h.Stop(ctx); err != nil {
				failures = append(failures, fmt.Errorf("%s: %w", tn.name, err))
			}
		}
		failures = append(failures, tn.holds(ctx))
		tn.eyes.Close()
	}
	return errors.Join(failures...)
}

func closeWorld() {
	for _, tn := range world.towns {
		if tn != nil {
			for _, h := range tn.replicas {
				h.Kill()
			}
		}
	}
	if world.mail != nil {
		world.mail.Close()
	}
	if world.postgres != nil {
		world.postgres.Close()
	}
	for _, folder := range world.folders {
		_ = os.RemoveAll(folder)
	}
}

// unique is a word that no other story uses.
func unique() string {
	b := make([]byte, 5)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
