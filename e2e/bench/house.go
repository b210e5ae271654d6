package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// The two databases.
const (
	sqlite   = "sqlite"
	postgres = "postgres"
)

var databases = []string{sqlite, postgres}

// place is a house on one database, furnished with the demo company and the flow that is measured.
type place struct {
	kind  string
	plan  stack.Plan
	eyes  *stack.Eyes
	house *stack.House // nil while it is closed
	pg    int          // process id of the postmaster, 0 on SQLite
}

// furnish makes a place on a database of kind.
func (b *bench) furnish(ctx context.Context, kind string) (*place, error) {
	folder, err := os.MkdirTemp(b.folder, kind+"-")
	if err != nil {
		return nil, err
	}
	p := &place{kind: kind, plan: stack.Plan{Folder: folder, Limits: "off"}}
	if kind == postgres {
		if p.plan.Database, err = b.postgres.NewDatabase(ctx); err != nil {
			return nil, err
		}
		p.pg = b.postgres.PID()
	}
	if _, err := p.plan.Run(ctx, "demo"); err != nil {
		return nil, err
	}
	if _, err := p.plan.Run(ctx, "flow", "apply", "-f", filepath.Join(stack.Root(), "e2e", "bench", "flow.yaml")); err != nil {
		return nil, err
	}
	p.eyes, err = p.plan.Eyes()
	return p, err
}

// settings of a house under measurement; everything else is as shipped.
type settings struct {
	mail   string // host:port of the mail server; "" is the built-in mailbox
	held   bool   // mail stays queued: no background work in this process
	limits bool   // budgets count, and addresses come from X-Forwarded-For
	more   map[string]string
}

// open starts the house with settings; a house that runs is stopped first.
func (p *place) open(ctx context.Context, s settings) error {
	if err := p.close(ctx); err != nil {
		return err
	}
	plan := p.plan
	plan.SMTP = s.mail
	plan.Env = map[string]string{"VESTIBULE_LOG_LEVEL": "info"} // as shipped
	if s.held {
		plan.Env["VESTIBULE_JOBS"] = "off"
	}
	if s.limits {
		plan.Limits = "on"
		plan.Env["VESTIBULE_TRUSTED_PROXIES"] = "127.0.0.1"
	}
	maps.Copy(plan.Env, s.more)
	house, err := plan.Open(ctx)
	p.house = house
	return err
}

func (p *place) close(ctx context.Context) error {
	if p.house == nil {
		return nil
	}
	house := p.house
	p.house = nil
	return house.Stop(ctx)
}

// meter reads the processes that work for the house.
func (p *place) meter() meter {
	m := meter{"app": {pid: p.house.PID()}}
	if p.pg != 0 {
		m["pg"] = process{pid: p.pg, tree: true}
	}
	return m
}

// counts are the rows that a load must have left behind.
type counts struct{ signups, requests, mails, jobs, sent int }

func (p *place) count(ctx context.Context) (c counts, err error) {
	for _, one := range []struct {
		into  *int
		query string
	}{
		{&c.signups, "SELECT count(*) FROM signups WHERE flow_slug = 'bench' AND step <> 'identity'"},
		{&c.requests, "SELECT count(*) FROM requests WHERE flow_slug = 'bench'"},
		{&c.mails, "SELECT count(*) FROM mails"},
		{&c.sent, "SELECT count(*) FROM mails WHERE state = 'sent'"},
		{&c.jobs, "SELECT count(*) FROM jobs WHERE kind LIKE 'mail%'"},
	} {
		if *one.into, err = p.eyes.Count(ctx, one.query); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (c counts) minus(o counts) counts {
	return counts{c.signups - o.signups, c.requests - o.requests, c.mails - o.mails, c.jobs - o.jobs, c.sent - o.sent}
}

// drained waits until no mail waits any longer.
func (p *place) drained(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	var failed error
	err := stack.Until(ctx, "the mails to leave", func() bool {
		n, err := p.eyes.Count(ctx, "SELECT count(*) FROM jobs WHERE kind LIKE 'mail%' AND state <> 'dead'")
		failed = err
		return err != nil || n == 0
	})
	if failed != nil {
		return failed
	}
	return err
}

// dropQueue forgets the queued mails of earlier measurements, while the house is closed.
func (p *place) dropQueue(ctx context.Context) error {
	return p.write(ctx, "DELETE FROM jobs WHERE kind LIKE 'mail%'")
}

// checkpoint settles what earlier measurements left behind, so that the next one does not pay for it.
func (b *bench) checkpoint(ctx context.Context, p *place) error {
	if p.kind != postgres {
		return nil
	}
	_, err := p.eyes.Strings(ctx, "CHECKPOINT")
	if err != nil && !strings.Contains(err.Error(), "no rows") {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}
