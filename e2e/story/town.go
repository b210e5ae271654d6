package story

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

// Town is a house on one database, with everything around it.
type Town struct {
	Name     string // sqlite or postgres
	Plan     stack.Plan
	Replicas []*stack.House
	Mail     *stack.Mail
	Eyes     *stack.Eyes

	Mu    sync.Mutex
	staff map[string]*Person // signed in once, shared by all stories

	behind func() string // the next client's network address, as the proxy in front says it; nil without one
}

// World is what all stories of this run share.
var World struct {
	postgres *stack.Postgres
	Mail     *stack.Mail
	towns    []*Town
	guarded  []*Town // opened when a story asks for one
	folders  []string
}

var TheContract *contract.Contract

func Main(m *testing.M) {
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
	if TheContract, err = contract.Load(filepath.Join(stack.Root(), "backend", "api", "openapi.yaml")); err != nil {
		return err
	}
	if World.postgres, err = stack.OpenPostgres(ctx); err != nil {
		return err
	}
	if World.Mail, err = stack.OpenMail(ctx); err != nil {
		return err
	}
	fmt.Println("PostgreSQL:", World.postgres.From, "· mail:", World.Mail.Name)
	var wait sync.WaitGroup
	towns := []struct {
		name     string
		replicas int
	}{{"sqlite", 1}, {"postgres", 2}}
	World.towns = make([]*Town, len(towns))
	failures := make([]error, len(towns))
	for i, want := range towns {
		wait.Go(func() { World.towns[i], failures[i] = openTown(ctx, want.name, want.replicas) })
	}
	wait.Wait()
	return errors.Join(failures...)
}

// NewPlan is a house with nothing in it.
func NewPlan(ctx context.Context, kind string, mail *stack.Mail) (stack.Plan, error) {
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
		plan.Database, err = World.postgres.NewDatabase(ctx)
	}
	return plan, err
}

var folderMu sync.Mutex

func remember(folder string) {
	folderMu.Lock()
	defer folderMu.Unlock()
	World.folders = append(World.folders, folder)
}

// Furnish brings in the demo company and the flows of the stories, through the doors an operator has.
func Furnish(ctx context.Context, plan stack.Plan) error {
	if _, err := plan.Run(ctx, "demo"); err != nil {
		return err
	}
	_, err := plan.Run(ctx, "flow", "apply", "-f", filepath.Join(stack.Root(), "e2e", "story", "testdata", "flows"))
	return err
}

func openTown(ctx context.Context, kind string, replicas int) (*Town, error) {
	plan, err := NewPlan(ctx, kind, World.Mail)
	if err != nil {
		return nil, err
	}
	if err := Furnish(ctx, plan); err != nil {
		return nil, err
	}
	return OpenHouses(ctx, kind, plan, replicas)
}

// OpenHouses starts replicas of plan. Their URL is the first one's, as it would be behind a load balancer.
func OpenHouses(ctx context.Context, kind string, plan stack.Plan, replicas int) (*Town, error) {
	tn := &Town{Name: kind, Plan: plan, Mail: World.Mail, staff: map[string]*Person{}}
	for range replicas {
		if err := tn.OpensReplica(ctx); err != nil {
			return nil, err
		}
	}
	var err error
	tn.Eyes, err = plan.Eyes()
	return tn, err
}

// OpensReplica starts one more replica under the public address of the first.
func (tn *Town) OpensReplica(ctx context.Context) error {
	port, err := stack.FreePort()
	if err != nil {
		return err
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	if tn.Plan.Public == "" {
		tn.Plan.Public = "http://" + addr
	}
	house, err := tn.Plan.StartAt(addr)
	if err != nil {
		return err
	}
	tn.Replicas = append(tn.Replicas, house)
	return house.Ready(ctx)
}

// Each tells a story once per house, in parallel.
func Each(t *testing.T, story func(t *testing.T, tn *Town)) {
	t.Helper()
	t.Parallel()
	for _, tn := range World.towns {
		t.Run(tn.Name, func(t *testing.T) {
			t.Parallel()
			story(t, tn)
		})
	}
}

// Own opens a house for one story alone, furnished, on a database of kind; change may alter its plan. It is stopped
// when the story ends.
func Own(t *testing.T, kind string, replicas int, change func(*stack.Plan)) *Town {
	t.Helper()
	plan, err := NewPlan(t.Context(), kind, World.Mail)
	require.NoError(t, err)
	require.NoError(t, Furnish(t.Context(), plan))
	if change != nil {
		change(&plan)
	}
	tn, err := OpenHouses(t.Context(), kind, plan, replicas)
	require.NoError(t, err)
	t.Cleanup(func() { tn.Close(t) })
	return tn
}

// Close stops a house of one story and asks its invariants.
func (tn *Town) Close(t *testing.T) {
	for _, h := range tn.Replicas {
		if err := h.Stop(context.Background()); err != nil && !t.Failed() {
			t.Errorf("stop: %v", err)
		}
	}
	if err := tn.asked(); err != nil {
		t.Error(err)
	}
}

// asked is what the invariants of a stopped house say.
func (tn *Town) asked() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	defer tn.Eyes.Close()
	return tn.Holds(ctx)
}

// closeTowns stops the shared houses, all at once, for each takes its time to let its clients go, and asks the invariants.
func closeTowns() error {
	var mu sync.Mutex
	var failures []error
	var wait sync.WaitGroup
	for _, tn := range all() {
		for _, h := range tn.Replicas {
			wait.Go(func() {
				if err := h.Stop(context.Background()); err != nil {
					mu.Lock()
					defer mu.Unlock()
					failures = append(failures, fmt.Errorf("%s: %w", tn.Name, err))
				}
			})
		}
	}
	wait.Wait()
	for _, tn := range all() {
		failures = append(failures, tn.asked())
	}
	return errors.Join(failures...)
}

// all are the shared houses, with and without limits.
func all() []*Town { return append(append([]*Town(nil), World.towns...), World.guarded...) }

func closeWorld() {
	for _, tn := range all() {
		if tn != nil {
			for _, h := range tn.Replicas {
				h.Kill()
			}
		}
	}
	if World.Mail != nil {
		World.Mail.Close()
	}
	if World.postgres != nil {
		World.postgres.Close()
	}
	for _, folder := range World.folders {
		_ = os.RemoveAll(folder)
	}
}

// Unique is a word that no other story uses.
func Unique() string {
	b := make([]byte, 5)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
