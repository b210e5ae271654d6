package main

import (
	"context"
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

// profile saves a CPU profile of the server under sign-ups of 8 clients, and of the whole path, on both databases.
func (b *bench) profile(ctx context.Context, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, kind := range databases {
		for _, whole := range []bool{false, true} {
			if err := b.profileOne(ctx, b.places[kind], whole, folder); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) profileOne(ctx context.Context, p *place, whole bool, folder string) error {
	port, err := stack.FreePort()
	if err != nil {
		return err
	}
	ops := fmt.Sprintf("127.0.0.1:%d", port)
	s := settings{mail: b.sink.addr, held: !whole, more: map[string]string{"VESTIBULE_OPS_ADDR": ops, "VESTIBULE_PROFILE": "on"}}
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
	file := filepath.Join(folder, name+"-"+p.kind+".pprof")
	var save error
	var wait sync.WaitGroup
	wait.Go(func() {
		save = fetch(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", ops, int(profiled.Seconds())), file)
	})
	before, err := p.meter().read()
	if err != nil {
		return err
	}
	v.run += "p"
	o := closed(ctx, 8, 1<<30, profiled, do)
	after, err := p.meter().read()
	wait.Wait()
	if err != nil {
		return err
	}
	spent := after.since(before)
	fmt.Printf("%s %s: %d in %v, %.0f/s, p50 %v p99 %v, CPU per operation:", p.kind, name, o.accepted, o.took.Round(time.Millisecond), o.perSecond(), o.quantile(.5), o.quantile(.99))
	for who, d := range spent {
		fmt.Printf(" %s %.3f ms", who, float64(d.Microseconds())/1000/float64(o.accepted))
	}
	fmt.Printf(", in all %.3f ms\n", float64(spent.sum().Microseconds())/1000/float64(o.accepted))
	if save != nil {
		return save
	}
	return o.whole()
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
