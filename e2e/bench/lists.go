package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// approver is the member of the demo company whose queue is filled.
const approver = "j.becker@contoso.com"

// small and large are the sizes that are compared; page is what is asked for, deep how many pages further.
const (
	small    = 1000
	page     = 50
	deepPage = 4000
)

// grow makes a place with rows requests waiting for the approver, and as many guests.
func (b *bench) grow(ctx context.Context, kind string, rows int) (*place, error) {
	p, err := b.furnish(ctx, kind)
	if err != nil {
		return nil, err
	}
	db, err := p.database()
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	begin := time.Now()
	c := crowd{db, kind, dialects[kind]}
	if err := c.name(ctx); err != nil {
		return nil, err
	}
	if err := c.withoutSearch(ctx, func() error { return c.fill(ctx, rows) }); err != nil {
		return nil, err
	}
	if kind == postgres { // as its own housekeeping does sooner or later
		_, err = db.ExecContext(ctx, "VACUUM (ANALYZE)")
	} else {
		_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	b.say("%d requests and guests on %s took %s to make", rows, kind, time.Since(begin).Round(time.Second))
	return p, err
}

func (c crowd) fill(ctx context.Context, rows int) error {
	const waiting = "state = 'pending'"
	found := "lower(w.given || ' ' || w.surname) || ' ' || 'b-' || n"
	mail := "lower(w.given) || '.' || lower(w.surname) || n || '@company' || (n % 1000) || '.example'"
	if err := c.multiply(ctx, "requests", waiting, rows, map[string]string{
		"id": "'req_' || " + c.padded, "reference": "'B-' || n", "source_id": "'sgn_' || " + c.padded, "flow_slug": "'bench'",
		"mail": mail, "address": mail, "name": "w.given || ' ' || w.surname", "given_name": "w.given", "surname": "w.surname",
		"search_text": found,
	}); err != nil {
		return err
	}
	id := ""
	if err := c.QueryRowContext(ctx, "SELECT id FROM directory_users WHERE mail = '"+approver+"'").Scan(&id); err != nil {
		return fmt.Errorf("find %s: %w", approver, err)
	}
	if err := c.multiply(ctx, "approval_assignments", "bucket = 'waiting'", rows, map[string]string{
		"request_id": "'req_' || " + c.padded, "approver_id": "'" + id + "'", "sort_at": c.later, "flow_slug": "'bench'", "stage": "1",
		"search_text": found,
	}); err != nil {
		return err
	}
	if err := c.multiply(ctx, "directory_organisations", "1 = 1", min(rows, 1000), map[string]string{
		"id": "'org_' || " + c.padded, "name": "'Company ' || n", "domain": "'company' || (n % 1000) || '.example'",
	}); err != nil {
		return err
	}
	return c.multiply(ctx, "directory_users", "user_type = 'Guest'", rows, map[string]string{
		"id": "'usr_' || " + c.padded, "user_principal_name": "'guest' || n || '#EXT#@contoso.com'", "request_id": "NULL",
		"display_name": "w.given || ' ' || w.surname", "given_name": "w.given", "surname": "w.surname", "mail": mail, "address": mail,
		"organisation_id": "'org_' || " + c.paddedOf(fmt.Sprintf("(n %% %d) + 1", min(rows, 1000))),
		"search_text": "'  ' || lower(w.given) || '  ' || lower(w.surname) || '  ' || lower(w.given) || '  ' || lower(w.surname) || '  ' || " +
			mail + " || '  company  ' || (n % 1000)",
	})
}

// paddedOf is padded of another number than n.
func (c crowd) paddedOf(expression string) string {
	if c.kind == sqlite {
		return "printf('%026d', " + expression + ")"
	}
	return "lpad((" + expression + ")::text, 26, '0')"
}

// reader is the approver at a browser, signed in.
func (b *bench) reader(ctx context.Context, p *place) (*browser, error) {
	who := newBrowser(p.house.Addr)
	mailed := b.sink.expect(approver)
	if err := who.call(ctx, http.MethodPost, "/api/v1/signin", `{"email":"`+approver+`"}`, http.StatusOK, nil); err != nil {
		return nil, err
	}
	select {
	case l := <-mailed:
		return who, who.call(ctx, http.MethodPost, "/api/v1/signin/code", `{"code":"`+l.code+`"}`, http.StatusOK, nil)
	case <-time.After(patience):
		return nil, errors.New("no code came to " + approver)
	}
}

// shelf is an open place with a list in it.
type shelf struct {
	*place
	who *browser
}

// shelf opens a grown place for reading; it sends mail, for the reader's code.
func (b *bench) shelf(ctx context.Context, p *place) (*shelf, error) {
	if err := p.open(ctx, settings{mail: b.sink.addr}); err != nil {
		return nil, err
	}
	who, err := b.reader(ctx, p)
	return &shelf{p, who}, err
}

// walk goes through a list to its deepPage and returns the address of that page.
func (s *shelf) walk(ctx context.Context, path string, pages int) (string, error) {
	after := ""
	for range pages / 2 { // by pages of twice the size
		var got struct {
			Next    string
			HasMore bool
		}
		if err := s.who.call(ctx, http.MethodGet, path+"?limit=100"+after, "", http.StatusOK, &got); err != nil {
			return "", err
		}
		if !got.HasMore {
			return "", fmt.Errorf("%s has less than %d pages", path, pages)
		}
		after = "&after=" + url.QueryEscape(got.Next)
	}
	return fmt.Sprintf("%s?limit=%d%s", path, page, after), nil
}

// lists measures the approver's queue and the search of guests in a small and a large house on each database.
func (b *bench) lists(ctx context.Context) error {
	b.say("making %d requests and guests on each database", b.rows())
	grown := map[string][2]*place{}
	var mu sync.Mutex
	var wait sync.WaitGroup
	var failures [2]error
	for i, kind := range databases {
		wait.Go(func() {
			less, err := b.grow(ctx, kind, small)
			if err != nil {
				failures[i] = err
				return
			}
			more, err := b.grow(ctx, kind, b.rows())
			failures[i] = err
			mu.Lock()
			defer mu.Unlock()
			grown[kind] = [2]*place{less, more}
		})
	}
	wait.Wait()
	if err := errors.Join(failures[:]...); err != nil {
		return err
	}
	for _, kind := range databases {
		if err := b.listsOf(ctx, grown[kind][0], grown[kind][1]); err != nil {
			return fmt.Errorf("lists on %s: %w", kind, err)
		}
	}
	return nil
}

// rows is how many the large lists have; the short form has a tenth, and deep is as deep in proportion.
func (b *bench) rows() int { return b.pick(1_000_000, 100_000) }

func (b *bench) listsOf(ctx context.Context, less, more *place) (err error) {
	defer func() { err = errors.Join(err, less.close(ctx), more.close(ctx)) }()
	few, err := b.shelf(ctx, less)
	if err != nil {
		return err
	}
	many, err := b.shelf(ctx, more)
	if err != nil {
		return err
	}
	b.say("lists on %s", less.kind)
	for id, path := range map[string]string{"queue": "/api/v1/approvals", "guests": "/api/v1/guests"} {
		deep, err := many.walk(ctx, path, b.pick(deepPage, deepPage/10))
		if err != nil {
			return err
		}
		first := fmt.Sprintf("%s?limit=%d", path, page)
		for range b.repeats {
			p50, err := b.compare(ctx, []ask{{few, first}, {many, first}, {many, deep}})
			if err != nil {
				return err
			}
			b.note(id+".first", less.kind, p50[1].Seconds()/p50[0].Seconds())
			b.note(id+".deep", less.kind, p50[2].Seconds()/p50[0].Seconds())
			if id != "queue" {
				continue
			}
			b.note("queue.p50", less.kind, millis(p50[1]))
			for figure, address := range map[string]string{"queue.cpu": first, "queue.deepcpu": deep} {
				spent, _, err := b.pages(ctx, many, []string{address})
				if err != nil {
					return err
				}
				b.note(figure, less.kind, millis(spent))
			}
		}
	}
	return b.search(ctx, many)
}

// ask is a page of a house.
type ask struct {
	from *shelf
	path string
}

// compare asks for each page in turn, many times, and returns the median of each.
func (b *bench) compare(ctx context.Context, pages []ask) ([]time.Duration, error) {
	waits := make([][]time.Duration, len(pages))
	for n := range b.pick(200, 100) {
		for i, one := range pages {
			begin := time.Now()
			if err := one.from.who.call(ctx, http.MethodGet, one.path, "", http.StatusOK, nil); err != nil {
				return nil, err
			}
			if n >= 10 { // the first ones warm
				waits[i] = append(waits[i], time.Since(begin))
			}
		}
	}
	out := make([]time.Duration, len(pages))
	for i, all := range waits {
		slices.Sort(all)
		out[i] = outcome{waits: all}.quantile(.5)
	}
	return out, nil
}

// pages asks for addresses in turn by one client, and returns the processor's time of one and all waits.
func (b *bench) pages(ctx context.Context, s *shelf, addresses []string) (time.Duration, outcome, error) {
	before, err := s.meter().read()
	if err != nil {
		return 0, outcome{}, err
	}
	o := closed(ctx, 1, b.pick(600, 300), time.Minute, func(ctx context.Context, _ int, n int64) error {
		return s.who.call(ctx, http.MethodGet, addresses[int(n)%len(addresses)], "", http.StatusOK, nil)
	})
	after, err := s.meter().read()
	if err := errors.Join(err, o.whole()); err != nil {
		return 0, o, err
	}
	return after.since(before).sum() / time.Duration(o.accepted), o, nil
}
