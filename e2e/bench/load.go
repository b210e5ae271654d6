package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// deed is one operation of a client: worker is the client's number, n counts operations from 1.
type deed func(ctx context.Context, worker int, n int64) error

// outcome is what a load came to.
type outcome struct {
	accepted, failed int
	took             time.Duration
	waits            []time.Duration // of the accepted, in order of length
	first            error           // the first failure
}

// perSecond is how many were accepted in a second of the wall's clock.
func (o outcome) perSecond() float64 { return float64(o.accepted) / o.took.Seconds() }

// quantile is the smallest wait that at least the share q of the accepted did not exceed.
func (o outcome) quantile(q float64) time.Duration {
	if len(o.waits) == 0 {
		return 0
	}
	at := int(q*float64(len(o.waits)) + 0.999999)
	return o.waits[min(max(at-1, 0), len(o.waits)-1)]
}

// whole returns an error unless everything was accepted.
func (o outcome) whole() error {
	if o.failed > 0 {
		return fmt.Errorf("%d of %d operations failed, first: %w", o.failed, o.failed+o.accepted, o.first)
	}
	if o.accepted == 0 {
		return errors.New("no operation was accepted")
	}
	return nil
}

// tally is what one client saw.
type tally struct {
	waits  []time.Duration
	failed int
	first  error
}

func (t *tally) add(wait time.Duration, err error) {
	if err == nil {
		t.waits = append(t.waits, wait)
		return
	}
	if t.failed++; t.first == nil {
		t.first = err
	}
}

// closed is a closed loop: each client begins its next operation when the last one has ended, until ops are done or
// limit has passed.
func closed(ctx context.Context, clients, ops int, limit time.Duration, do deed) outcome {
	var begun atomic.Int64
	end := time.Now().Add(limit)
	return together(clients, func(worker int, t *tally) {
		for ctx.Err() == nil && time.Now().Before(end) {
			n := begun.Add(1)
			if n > int64(ops) {
				return
			}
			start := time.Now()
			err := do(ctx, worker, n)
			t.add(time.Since(start), err)
		}
	})
}

// open is an open loop: operations fall due as a Poisson process of rate a second for as long as length, whether or not
// earlier ones have ended. Waits count from the moment an operation fell due, so that a server that falls behind shows.
func open(ctx context.Context, clients int, rate float64, length time.Duration, do deed) outcome {
	due := make(chan time.Time, int(2*rate*length.Seconds())+100)
	go func() {
		defer close(due)
		end := time.Now().Add(length)
		for at := time.Now(); at.Before(end) && ctx.Err() == nil; at = at.Add(time.Duration(rand.ExpFloat64() / rate * float64(time.Second))) {
			time.Sleep(time.Until(at))
			due <- at
		}
	}()
	var begun atomic.Int64
	return together(clients, func(worker int, t *tally) {
		for at := range due {
			err := do(ctx, worker, begun.Add(1))
			t.add(time.Since(at), err)
		}
	})
}

// together runs work once for each client and adds up what they saw.
func together(clients int, work func(worker int, t *tally)) outcome {
	tallies := make([]tally, clients)
	begin := time.Now()
	var wait sync.WaitGroup
	for i := range tallies {
		wait.Go(func() { work(i, &tallies[i]) })
	}
	wait.Wait()
	o := outcome{took: time.Since(begin)}
	for _, t := range tallies {
		o.waits = append(o.waits, t.waits...)
		if o.failed += t.failed; o.first == nil {
			o.first = t.first
		}
	}
	o.accepted = len(o.waits)
	slices.Sort(o.waits)
	return o
}
