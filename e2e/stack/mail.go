package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/vestibule-id/vestibule/e2e/mailstand"
)

// Mail is a mail catcher that speaks Mailpit's REST API.
type Mail struct {
	SMTP string // host:port that the server under test sends to
	API  string // http://host:port
	Name string // which catcher this is, for the log

	process *exec.Cmd
	standIn *mailstand.Server
}

// OpenMail takes the Mailpit at MAILPIT_URL (whose SMTP port is MAILPIT_SMTP, by default port 1025 of the same host),
// else starts a mailpit from PATH, else our stand-in. Close it.
func OpenMail(ctx context.Context) (*Mail, error) {
	if given := os.Getenv("MAILPIT_URL"); given != "" {
		return givenMailpit(ctx, strings.TrimRight(given, "/"))
	}
	if path, err := exec.LookPath("mailpit"); err == nil {
		return startMailpit(ctx, path)
	}
	return StandIn()
}

// StandIn starts our stand-in, whatever else there is: the tests of faults need one that misbehaves on command.
func StandIn() (*Mail, error) {
	s, err := mailstand.Listen()
	if err != nil {
		return nil, err
	}
	return &Mail{SMTP: s.SMTP, API: s.API, Name: "mail stand-in (not Mailpit)", standIn: s}, nil
}

// Stand is the stand-in behind m, or nil if m is a real Mailpit.
func (m *Mail) Stand() *mailstand.Server { return m.standIn }

func givenMailpit(ctx context.Context, api string) (*Mail, error) {
	m := &Mail{API: api, SMTP: os.Getenv("MAILPIT_SMTP"), Name: "Mailpit at MAILPIT_URL"}
	if m.SMTP == "" {
		parsed, err := url.Parse(api)
		if err != nil {
			return nil, fmt.Errorf("read MAILPIT_URL: %w", err)
		}
		m.SMTP = net.JoinHostPort(parsed.Hostname(), "1025")
	}
	return m, m.alive(ctx)
}

func startMailpit(ctx context.Context, path string) (*Mail, error) {
	smtpPort, err := FreePort()
	if err != nil {
		return nil, err
	}
	apiPort, err := FreePort()
	if err != nil {
		return nil, err
	}
	m := &Mail{
		SMTP: fmt.Sprintf("127.0.0.1:%d", smtpPort), API: fmt.Sprintf("http://127.0.0.1:%d", apiPort), Name: "mailpit on PATH",
	}
	m.process = exec.Command(path, "--smtp", m.SMTP, "--listen", fmt.Sprintf("127.0.0.1:%d", apiPort), "--max", "100000") //nolint:gosec // a test's own choice
	if err := m.process.Start(); err != nil {
		return nil, fmt.Errorf("start mailpit: %w", err)
	}
	return m, m.alive(ctx)
}

func (m *Mail) alive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return Until(ctx, m.Name, func() bool {
		answer, err := http.Get(m.API + "/livez")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// Close stops the catcher if we started it.
func (m *Mail) Close() {
	if m.standIn != nil {
		m.standIn.Close()
	}
	if m.process != nil && m.process.Process != nil {
		_ = m.process.Process.Signal(syscall.SIGTERM)
		_ = m.process.Wait()
	}
}

func (m *Mail) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.API+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the mail catcher: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the mail catcher for %s: %s", path, answer.Status)
	}
	if text, ok := into.(*string); ok {
		raw, err := io.ReadAll(answer.Body)
		*text = string(raw)
		return err
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

// To lists the mails for address, newest first: all of them, for stories count what a member of the demo company has read.
func (m *Mail) To(ctx context.Context, address string) ([]mailstand.Summary, error) {
	var list mailstand.List
	err := m.get(ctx, "/api/v1/search?limit=10000&query="+url.QueryEscape(`to:"`+address+`"`), &list)
	return list.Messages, err
}

// About lists the mails for address whose subject or text holds words, newest first.
func (m *Mail) About(ctx context.Context, address, words string) ([]mailstand.Summary, error) {
	var list mailstand.List
	err := m.get(ctx, "/api/v1/search?limit=50&query="+url.QueryEscape(`to:"`+address+`" "`+words+`"`), &list)
	return list.Messages, err
}

// Letter is one mail whole, with its headers as they came and its source.
type Letter struct {
	mailstand.Message
	Headers map[string][]string
	Raw     string
}

// Read fetches a mail.
func (m *Mail) Read(ctx context.Context, id string) (Letter, error) {
	var l Letter
	if err := m.get(ctx, "/api/v1/message/"+id, &l.Message); err != nil {
		return l, err
	}
	if err := m.get(ctx, "/api/v1/message/"+id+"/headers", &l.Headers); err != nil {
		return l, err
	}
	return l, m.get(ctx, "/api/v1/message/"+id+"/raw", &l.Raw)
}
