package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// profiled is how long the server is watched.
const profiled = 10 * time.Second

// profile saves CPU profiles of the server under sign-ups of 8 clients, the whole path, pages of a queue, and searches,
// on both databases.
func (b *bench) profile(ctx context.Context, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, kind := range databases {
		for _, whole := range []bool{false, true} {
			if err := b.profileSignup(ctx, b.places[kind], whole, folder); err != nil {
				return err
			}
		}
		if err := b.profileLists(ctx, kind, folder); err != nil {
			return err
		}
	}
	return nil
}

// watched are settings of a house that gives out profiles, and where.
func watched(s settings) (settings, string, error) {
	port, err := stack.FreePort()
	if err != nil {
		return s, "", err
	}
	ops := fmt.Sprintf("127.0.0.1:%d", port)
	s.more = map[string]string{"VESTIBULE_OPS_ADDR": ops, "VESTIBULE_PROFILE": "on"}
	return s, ops, nil
}

func (b *bench) profileSignup(ctx context.Context, p *place, whole bool, folder string) error {
	s, ops, err := watched(settings{mail: b.sink.addr, held: !whole})
	if err != nil {
		return err
	}
	if err := p.open(ctx, s); err != nil {
		return err
	}
	v := b.visitors(p, 8, false)
	defer v.close()
	do, name := v.signs, "signup"
	if whole {
		do, name = v.asks, "whole"
	}
	if err := closed(ctx, 8, 300, profiled, do).whole(); err != nil { // warm
		return err
	}
	v.run += "p"
	return p.watch(ctx, ops, filepath.Join(folder, name+"-"+p.kind+".pprof"), 8, do)
}

func (b *bench) profileLists(ctx context.Context, kind, folder string) error {
	p, err := b.grow(ctx, kind, 20_000)
	if err != nil {
		return err
	}
	s, ops, err := watched(settings{mail: b.sink.addr})
	if err != nil {
		return err
	}
	if err := p.open(ctx, s); err != nil {
		return err
	}
	who, err := b.reader(ctx, p)
	if err != nil {
		return err
	}
	defer who.close()
	searches := searchPaths(searched[0].list)
	for name, paths := range map[string][]string{"queue": {fmt.Sprintf("/api/v1/approvals?limit=%d", page)}, "search": searches} {
		err := p.watch(ctx, ops, filepath.Join(folder, name+"-"+kind+".pprof"), 1, func(ctx context.Context, _ int, n int64) error {
			return who.call(ctx, http.MethodGet, paths[int(n)%len(paths)], "", http.StatusOK, nil)
		})
		if err != nil {
			return err
		}
	}
	return p.close(ctx)
}

// watch repeats do for as long as a profile takes, saves the profile, and says what one cost.
func (p *place) watch(ctx context.Context, ops, file string, clients int, do deed) error {
	var save error
	var wait sync.WaitGroup
	wait.Go(func() {
		save = fetch(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", ops, int(profiled.Seconds())), file)
	})
	before, err := p.meter().read()
	if err != nil {
		return err
	}
	o := closed(ctx, clients, 1<<30, profiled, do)
	after, errAfter := p.meter().read()
	wait.Wait()
	if err := errors.Join(errAfter, save, o.whole()); err != nil {
		return err
	}
	fmt.Printf("%s: %.0f/s, p50 %.1f ms, p99 %.1f ms, CPU of one:", file, o.perSecond(), millis(o.quantile(.5)), millis(o.quantile(.99)))
	for who, spent := range after.since(before) {
		fmt.Printf(" %s %.3f ms", who, millis(spent)/float64(o.accepted))
	}
	fmt.Println()
	return nil
}

func fetch(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(file, raw, 0o644)
}
