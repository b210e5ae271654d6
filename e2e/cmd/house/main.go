// Command house opens the houses that the browser tests visit, says where they are, and keeps them open until its
// standard input is closed or it is told to end.
//
// It prints one line of JSON: {"demo":{url,mailApi}, "mailbox":{url}, "setup":{url,link}, "people":[…], "log":[…]}.
// demo is the demo company with a mail catcher (a stand-in, since the tests make it misbehave); mailbox is the demo
// company with the built-in mailbox; setup is an empty house and the link it printed. demo is on SQLite, or on
// PostgreSQL with E2E_DATABASE=postgres.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// place is what a test needs to know of a house.
type place struct {
	URL     string `json:"url"`
	MailAPI string `json:"mailApi,omitempty"`
	Link    string `json:"link,omitempty"`
}

// report is the line that is printed.
type report struct {
	Demo    place           `json:"demo"`
	Mailbox place           `json:"mailbox"`
	Setup   place           `json:"setup"`
	People  json.RawMessage `json:"people"`
	Log     []string        `json:"log"`
}

// street is all that was opened, to be closed.
type street struct {
	mu     sync.Mutex
	close  []func()
	report report
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s := &street{}
	err := s.open(ctx)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(s.report)
	}
	if err == nil {
		ended := make(chan struct{})
		go func() { _, _ = io.Copy(io.Discard, os.Stdin); close(ended) }()
		select {
		case <-ctx.Done():
		case <-ended:
		}
	}
	for _, f := range s.close {
		f()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(1) //nolint:gocritic // nothing is deferred that matters
	}
}

func (s *street) later(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.close = append([]func(){f}, s.close...)
}

// open opens the three houses side by side.
func (s *street) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	mail, err := stack.StandIn()
	if err != nil {
		return err
	}
	s.later(mail.Close)
	demo, err := s.plan(ctx, os.Getenv("E2E_DATABASE") == "postgres")
	if err != nil {
		return err
	}
	demo.SMTP = mail.SMTP
	mailbox, err := s.plan(ctx, false)
	if err != nil {
		return err
	}
	empty, err := s.plan(ctx, false)
	if err != nil {
		return err
	}
	s.report.Log = append(s.report.Log, mail.Name)
	var wait sync.WaitGroup
	failures := make([]error, 3)
	wait.Go(func() { failures[0] = s.furnished(ctx, demo, &s.report.Demo) })
	wait.Go(func() { failures[1] = s.furnished(ctx, mailbox, &s.report.Mailbox) })
	wait.Go(func() { failures[2] = s.empty(ctx, empty) })
	wait.Wait()
	s.report.Demo.MailAPI = mail.API
	if err := errors.Join(failures...); err != nil {
		return err
	}
	people, err := demo.Run(ctx, "demo", "people", "--json")
	s.report.People = json.RawMessage(people)
	return err
}

// plan is a house with nothing in it.
func (s *street) plan(ctx context.Context, postgres bool) (stack.Plan, error) {
	folder, err := os.MkdirTemp("", "vestibule-browser-")
	if err != nil {
		return stack.Plan{}, err
	}
	s.later(func() { _ = os.RemoveAll(folder) })
	plan := stack.Plan{Folder: folder, Limits: "off"}
	if !postgres {
		return plan, nil
	}
	server, err := stack.OpenPostgres(ctx)
	if err != nil {
		return plan, err
	}
	s.later(server.Close)
	s.report.Log = append(s.report.Log, "PostgreSQL: "+server.From)
	plan.Database, err = server.NewDatabase(ctx)
	return plan, err
}

func (s *street) furnished(ctx context.Context, plan stack.Plan, at *place) error {
	port, err := stack.FreePort()
	if err != nil {
		return err
	}
	plan.Public = fmt.Sprintf("http://127.0.0.1:%d", port)
	if _, err := plan.Run(ctx, "demo"); err != nil { // links of its mails lead to the public address
		return err
	}
	_, err = s.start(ctx, plan, at)
	return err
}

func (s *street) start(ctx context.Context, plan stack.Plan, at *place) (*stack.House, error) {
	start := plan.Start
	if plan.Public != "" {
		start = func() (*stack.House, error) { return plan.StartAt(strings.TrimPrefix(plan.Public, "http://")) }
	}
	house, err := start()
	if err != nil {
		return nil, err
	}
	s.later(func() { _ = house.Stop(context.Background()) })
	at.URL = house.URL
	return house, house.Ready(ctx)
}

var link = regexp.MustCompile(`https?://\S+/setup\S*`)

func (s *street) empty(ctx context.Context, plan stack.Plan) error {
	house, err := s.start(ctx, plan, &s.report.Setup)
	if err != nil {
		return err
	}
	return stack.Until(ctx, "the set-up link", func() bool {
		s.report.Setup.Link = link.FindString(house.Out.String())
		return s.report.Setup.Link != ""
	})
}
