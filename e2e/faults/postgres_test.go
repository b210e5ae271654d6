package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/mailstand"
	"github.com/vestibule-id/vestibule/e2e/stack"
)

// breakable is a house on a cluster of its own, which may be stopped.
func breakable(t *testing.T) (*house, *stack.Postgres) {
	t.Helper()
	cluster, err := stack.OpenDurablePostgres(t.Context())
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	return houseOn(t, cluster), cluster
}

// houseOn is a furnished house on a cluster, with staff signed in.
func houseOn(t *testing.T, cluster *stack.Postgres) *house {
	t.Helper()
	mail, err := mailstand.Listen()
	require.NoError(t, err)
	t.Cleanup(mail.Close)
	plan := stack.Plan{Folder: t.TempDir(), Limits: "off", SMTP: mail.SMTP, Env: map[string]string{"VESTIBULE_LOG_LEVEL": "warn"}}
	plan.Database, err = cluster.NewDatabase(t.Context())
	require.NoError(t, err)
	require.NoError(t, furnish(t.Context(), plan))
	h := openPlan(t, "postgres", 1, plan, mail)
	h.eyes.Blink()
	h.signsInStaff()
	return h
}

// seen is what was observed around one fault of the database.
type seen struct {
	success, ready, mail times // from the moment it was well again
	unready              times // from its beginning
	alive, asked         int   // /livez
}

// Rows R10, R12: PostgreSQL is restarted, quickly and as by a crash, its backends are ended, and it is gone for a while. The
// house is not restarted: it answers 503 with Retry-After meanwhile, and works at once when PostgreSQL does.
func TestR10_PostgresRestartsAndHangs(t *testing.T) {
	alongside(t)
	h, cluster := breakable(t)
	h.hangs(t, cluster)
	name := nameOf(h.plan.Database)
	connections := h.connections(t, cluster)
	for _, fault := range []struct {
		name   string
		rounds int
		strike func() error
		heal   func() error
		gone   time.Duration
	}{
		{"fast restart", of(1, 20), func() error { return cluster.Stop(stack.Fast) }, cluster.Begin, 0},
		{"immediate restart", of(1, 20), func() error { return cluster.Stop(stack.Immediate) }, cluster.Begin, 0},
		{"backends terminated", of(1, 10), func() error { return cluster.Terminate(t.Context(), name) }, nothing, 0},
		{"a backend killed", of(1, 5), func() error { return killsOne(t, cluster, name) }, nothing, 0},
		{"gone", 1, func() error { return cluster.Stop(stack.Fast) }, cluster.Begin, of(4*time.Second, time.Minute)},
	} {
		l := newLedger()
		ctx, cancel := context.WithCancel(t.Context())
		wait := h.applicants(ctx, 6, l)
		var s seen
		for range fault.rounds {
			h.pause(300*time.Millisecond, of(800*time.Millisecond, 3*time.Second))
			require.NoError(t, fault.strike())
			if fault.gone > 0 {
				h.watches(&s, fault.gone)
			}
			require.NoError(t, fault.heal())
			h.recovers(cluster, l, &s)
		}
		cancel()
		wait()
		h.reports(t, "R10 "+fault.name, l, &s, fault.rounds)
	}
	h.drains()
	now := h.connections(t, cluster)
	h.stops()
	r := newRow(t, "R10 at the end", "postgres")
	r.wants(now <= max(connections+2, 21), "no more than the pool has", "%d connections, %d before", now, connections)
	r.ends(h)
}

func nothing() error { return nil }

func killsOne(t *testing.T, cluster *stack.Postgres, database string) error {
	if _, err := cluster.Accepts(t.Context()); err != nil { // it may not be over the last one yet
		return err
	}
	pids, err := cluster.Backends(t.Context(), database)
	if err != nil || len(pids) == 0 {
		return fmt.Errorf("a backend to kill: %w", err)
	}
	return syscall.Kill(pids[rand.N(max(1, len(pids)-1))], syscall.SIGKILL) //nolint:gosec // any that does not only listen
}

func (h *house) connections(t *testing.T, cluster *stack.Postgres) int {
	t.Helper()
	pids, err := cluster.Backends(t.Context(), nameOf(h.plan.Database))
	require.NoError(t, err)
	return len(pids)
}

// watches looks at the house for d while its database is away.
func (h *house) watches(s *seen, d time.Duration) {
	began := time.Now()
	s.unready = append(s.unready, h.answers(0, "/readyz", http.StatusServiceUnavailable))
	for time.Since(began) < d {
		s.asked++
		if h.alive(0) {
			s.alive++
		}
		h.pause(100*time.Millisecond, 200*time.Millisecond)
	}
}

// recovers measures how long it takes from the moment PostgreSQL takes connections.
func (h *house) recovers(cluster *stack.Postgres, l *ledger, s *seen) {
	h.t.Helper()
	accepts, err := cluster.Accepts(h.t.Context())
	require.NoError(h.t, err)
	h.until(patience, "an acknowledgement", func() bool { return l.since().After(accepts) })
	s.success = append(s.success, l.since().Sub(accepts))
	h.answers(0, "/readyz", http.StatusOK)
	s.ready = append(s.ready, time.Since(accepts))
	sent := -1
	h.until(patience, "a mail", func() bool {
		n, err := h.eyes.Count(h.t.Context(), "SELECT count(*) FROM mails WHERE state = 'sent'")
		if err == nil && sent < 0 {
			sent = n
		}
		return err == nil && n > sent
	})
	s.mail = append(s.mail, time.Since(accepts))
}

// reports ends one kind of fault of the database.
func (h *house) reports(t *testing.T, number string, l *ledger, s *seen, rounds int) {
	t.Helper()
	lost, half := l.lost(h)
	r := newRow(t, number, "postgres")
	r.says("%d times", rounds)
	r.says("%s acks", comma(l.count()))
	r.exactly(len(lost)+len(half), 0, "lost or half-applied")
	r.says("%s answers of 503", comma(l.of(http.StatusServiceUnavailable)))
	r.exactly(l.noRetry, 0, "of them without Retry-After")
	r.exactly(len(l.odd), 0, "other 5xx")
	r.exactly(l.of(0), 0, "without an answer")
	r.within(l.slowest, 6*time.Second, "slowest answer ("+l.slow+")")
	if s.asked > 0 {
		r.wants(s.alive == s.asked, "all", "/livez 200 in %d of %d", s.alive, s.asked)
	}
	if len(s.unready) > 0 {
		r.within(s.unready.p(100), 5*time.Second, "/readyz 503 after")
	}
	r.within(s.success.p(100), 2*time.Second, "first success after")
	r.within(s.ready.p(100), 5*time.Second, "/readyz 200 after")
	r.within(s.mail.p(100), 10*time.Second, "first mail after")
	for _, odd := range l.odd {
		t.Log(odd)
	}
	r.ends()
}

// Row R12: PostgreSQL hangs, whole or in half of its backends, or a table is locked. Requests end, /livez goes on, and all
// is well soon after.
func (h *house) hangs(t *testing.T, cluster *stack.Postgres) {
	for _, fault := range []struct {
		name   string
		lasts  time.Duration
		strike func() (heal func())
		down   bool // readiness must say so
	}{
		{"hung", of(8*time.Second, 30*time.Second), func() func() {
			require.NoError(t, cluster.Signal(syscall.SIGSTOP))
			return func() { require.NoError(t, cluster.Signal(syscall.SIGCONT)) }
		}, true},
		{"half of the backends hung", of(3*time.Second, 15*time.Second), func() func() {
			pids, err := cluster.Backends(t.Context(), nameOf(h.plan.Database))
			require.NoError(t, err)
			pids = pids[:len(pids)/2]
			require.NotEmpty(t, pids)
			send := func(s syscall.Signal) {
				for _, pid := range pids {
					require.NoError(t, syscall.Kill(pid, s))
				}
			}
			send(syscall.SIGSTOP)
			return func() { send(syscall.SIGCONT) }
		}, false},
		{"a table locked", of(4*time.Second, 30*time.Second), func() func() {
			release, err := h.eyes.Hold(t.Context(), "signups, requests")
			require.NoError(t, err)
			return release
		}, false},
	} {
		l := newLedger()
		ctx, cancel := context.WithCancel(t.Context())
		wait := h.applicants(ctx, 6, l)
		h.until(patience, "acknowledgements", func() bool { return l.count() > 5 })
		var s seen
		heal := fault.strike()
		began := time.Now()
		if fault.down {
			s.unready = append(s.unready, h.answers(0, "/readyz", http.StatusServiceUnavailable))
		}
		for time.Since(began) < fault.lasts {
			s.asked++
			if h.alive(0) {
				s.alive++
			}
			h.pause(100*time.Millisecond, 200*time.Millisecond)
		}
		heal()
		h.recovers(cluster, l, &s)
		cancel()
		wait()
		h.reports(t, "R12 "+fault.name, l, &s, 1)
	}
}
