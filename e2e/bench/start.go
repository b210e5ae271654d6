package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

const mega = 1 << 20

// starts measures cold starts, and the memory of a house that has nothing to do.
func (b *bench) starts(ctx context.Context) error {
	b.say("starts")
	for range b.repeats {
		for _, kind := range databases {
			fresh, err := b.bare(ctx, kind)
			if err != nil {
				return err
			}
			ready, _, _, err := b.start(ctx, fresh, 0)
			if err != nil {
				return err
			}
			b.note("start.fresh", kind, millis(ready))
			ready, cpu, idle, err := b.start(ctx, fresh, time.Duration(b.pick(3, 1))*time.Second)
			if err != nil {
				return err
			}
			b.note("start.migrated", kind, millis(ready))
			b.note("start.cpu", kind, millis(cpu))
			b.note("memory.idle", kind, idle)
		}
	}
	return b.size()
}

// bare is a house on an empty database.
func (b *bench) bare(ctx context.Context, kind string) (stack.Plan, error) {
	folder, err := os.MkdirTemp(b.folder, "start-")
	if err != nil {
		return stack.Plan{}, err
	}
	plan := stack.Plan{Folder: folder, Env: map[string]string{"VESTIBULE_LOG_LEVEL": "info"}}
	if kind == postgres {
		plan.Database, err = b.postgres.NewDatabase(ctx)
	}
	return plan, err
}

// start starts a house and stops it again: the time from the start of the process to the first yes of /readyz, the
// processor's time until then, and the memory (MB) when it has idled a while.
func (b *bench) start(ctx context.Context, plan stack.Plan, idles time.Duration) (ready, cpu time.Duration, idle float64, err error) {
	begin := time.Now()
	house, err := plan.Start()
	if err != nil {
		return 0, 0, 0, err
	}
	defer func() { err = errors.Join(err, house.Stop(ctx)) }()
	client := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		if ready = time.Since(begin); ready > 30*time.Second {
			return 0, 0, 0, fmt.Errorf("the house was not ready within %v: %s", ready, house.Log.Tail(5))
		}
		res, err := client.Get(house.URL + "/readyz")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				break
			}
		}
		time.Sleep(time.Millisecond)
	}
	ready = time.Since(begin)
	self := process{pid: house.PID()}
	if cpu, err = self.cpu(); err != nil {
		return 0, 0, 0, err
	}
	time.Sleep(idles)
	return ready, cpu, float64(self.memory()) / mega, nil
}

// size is of the program as it is shipped.
func (b *bench) size() error {
	path, err := stack.Binary()
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	b.note("binary", machine, float64(info.Size())/1e6)
	return nil
}

// loaded measures memory after sign-ups of 8 clients with the mail going out, and what cheap requests cost.
func (b *bench) loaded(ctx context.Context) error {
	b.say("memory under load, cheap requests")
	for _, kind := range databases {
		p := b.places[kind]
		if err := p.open(ctx, settings{mail: b.sink.addr}); err != nil {
			return err
		}
		if _, err := b.sign(ctx, p, load{clients: 8, ops: b.pick(10_000, 2000), length: 3 * time.Minute}, false); err != nil {
			return err
		}
		server := process{pid: p.house.PID()}
		b.note("memory.loaded", kind, float64(server.memory())/mega)
		asset, err := p.script(ctx)
		if err != nil {
			return err
		}
		for range b.repeats {
			for id, path := range map[string]string{"health.cpu": "/livez", "asset.cpu": asset} {
				spent, err := b.cost(ctx, p.house.Addr, server, http.MethodGet, path, "")
				if err != nil {
					return err
				}
				b.note(id, kind, float64(spent.Nanoseconds())/1000)
			}
		}
		if err := p.close(ctx); err != nil {
			return err
		}
	}
	return nil
}

var scriptPath = regexp.MustCompile(`[\w./-]*/_app/immutable/[\w./-]+\.js|_app/immutable/[\w./-]+\.js`)

// script is the path of a script that the first page loads.
func (p *place) script(ctx context.Context) (string, error) {
	who := newBrowser(p.house.Addr)
	defer who.close()
	status, raw, err := who.send(ctx, http.MethodGet, "/join/bench", "")
	if err != nil {
		return "", err
	}
	found := scriptPath.Find(raw)
	if status != http.StatusOK || found == nil {
		return "", fmt.Errorf("no script in the page of a sign-up: %d", status)
	}
	return filepath.Join("/", string(found)), nil
}
