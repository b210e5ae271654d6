package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// page measures what a browser loads to show the first page of a sign-up, with an empty cache, in Chromium. Without a
// browser the rows stay empty, and the run says so.
func (b *bench) page(ctx context.Context) error {
	chromium, _, err := stack.Chromium()
	if err != nil {
		b.say("the page is not weighed: %v", err)
		return nil
	}
	b.say("the weight of the first page")
	p := b.places[sqlite]
	if err := p.open(ctx, settings{mail: b.sink.addr}); err != nil {
		return err
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "node", filepath.Join("bench", "page.mjs"), chromium, p.house.URL+"/join/bench") //nolint:gosec // our own words
	cmd.Dir, cmd.Stderr = filepath.Join(stack.Root(), "e2e"), &said
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("weigh the page: %w: %s", err, said.String())
	}
	var got struct {
		Requests  int
		Code, All float64 // bytes
	}
	if err := json.Unmarshal(out, &got); err != nil {
		return fmt.Errorf("weigh the page: %w: %s", err, out)
	}
	b.note("page.requests", machine, float64(got.Requests))
	b.note("page.code", machine, got.Code/1000)
	b.note("page.all", machine, got.All/1000)
	return p.close(ctx)
}
