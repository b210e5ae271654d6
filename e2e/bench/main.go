package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// bench is one run of the measurements.
type bench struct {
	quick    bool
	repeats  int
	folder   string // everything it makes; removed at the end
	postgres *stack.Postgres
	sink     *sink
	places   map[string]*place
	runs     int // loads so far: makes addresses unique
}

func main() {
	quick := flag.Bool("quick", false, "the short form: three repeats of less")
	profile := flag.String("profile", "", "only save CPU profiles of the sign-up, in this folder")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *quick, *profile)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, quick bool, profile string) error {
	b := &bench{quick: quick, repeats: 5, places: map[string]*place{}}
	if quick {
		b.repeats = 3
	}
	defer b.close()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if profile != "" {
		return b.profile(ctx, profile)
	}
	return nil
}

// prepare starts what every measurement needs.
func (b *bench) prepare(ctx context.Context) (err error) {
	if b.folder, err = os.MkdirTemp("", "vestibule-bench-"); err != nil {
		return err
	}
	if b.postgres, err = stack.OpenDurablePostgres(ctx); err != nil {
		return err
	}
	if b.sink, err = openSink(nil); err != nil {
		return err
	}
	for _, kind := range databases {
		if b.places[kind], err = b.furnish(ctx, kind); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) close() {
	for _, p := range b.places {
		if p.house != nil {
			p.house.Kill()
		}
		p.eyes.Close()
	}
	if b.sink != nil {
		b.sink.close()
	}
	if b.postgres != nil {
		b.postgres.Close()
	}
	_ = os.RemoveAll(b.folder)
}
