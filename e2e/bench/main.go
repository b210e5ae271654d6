package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// bench is one run of the measurements.
type bench struct {
	quick    bool
	repeats  int
	folder   string // everything it makes; removed at the end
	postgres *stack.Postgres
	floorURL string // the database of pgbench
	sink     *sink
	places   map[string]*place
	runs     int // loads so far: makes addresses unique
	values   map[cell][]float64
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		end(child(os.Args[2:]))
		return
	}
	quick := flag.Bool("quick", false, "the short form: three repeats of less")
	profile := flag.String("profile", "", "only save CPU profiles of the sign-up, in this folder")
	write := flag.String("write", "", "write the table into this file, between its markers")
	parts := flag.String("parts", "", "only these parts, with commas: "+strings.Join(partNames(), ", "))
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *quick, *profile, *write, *parts)
	stop()
	end(err)
}

func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// parts are the measurements, in their order.
var parts = []struct {
	name string
	run  func(*bench, context.Context) error
}{
	{"signup", (*bench).signups}, {"start", (*bench).starts}, {"page", (*bench).page}, {"mail", (*bench).mails},
	{"memory", (*bench).loaded}, {"lists", (*bench).lists},
}

func partNames() (out []string) {
	for _, p := range parts {
		out = append(out, p.name)
	}
	return out
}

func run(ctx context.Context, quick bool, profile, write, only string) error {
	b := &bench{quick: quick, repeats: 5, places: map[string]*place{}, values: map[cell][]float64{}}
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
	begin := time.Now()
	for _, p := range parts {
		if only != "" && !slices.Contains(strings.Split(only, ","), p.name) {
			continue
		}
		if err := p.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	report := b.report(time.Since(begin))
	fmt.Println(report)
	if write != "" {
		if err := writeInto(write, report); err != nil {
			return err
		}
	}
	if missed := b.missedMusts(); len(missed) > 0 {
		return fmt.Errorf("%d goals are missed:\n  %s", len(missed), strings.Join(missed, "\n  "))
	}
	return nil
}

// pick is a number of the full form, or of the short one.
func (b *bench) pick(full, quick int) int {
	if b.quick {
		return quick
	}
	return full
}

// say tells whoever waits what is being done.
func (b *bench) say(format string, args ...any) { fmt.Fprintf(os.Stderr, "… "+format+"\n", args...) }

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
