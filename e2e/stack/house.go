package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// SecretKey is the key that all houses of the tests share; replicas must, and nobody else knows it.
const SecretKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// Plan says how a house is to be run. Copy it to run another replica on the same database.
type Plan struct {
	Folder   string            // data folder; holds the SQLite file unless Database says otherwise
	Database string            // VESTIBULE_DATABASE_URL; empty is SQLite in Folder
	Direct   string            // the database's own address when Database leads through a proxy
	Public   string            // VESTIBULE_URL; empty follows from the address
	SMTP     string            // host:port; empty is the built-in mailbox
	Limits   string            // VESTIBULE_LIMITS: on or off
	Env      map[string]string // more settings
}

// House is a running vestibule.
type House struct {
	Plan
	URL  string
	Addr string
	Log  *Log // standard error: one JSON object a line
	Out  *Log // standard output: what it says to people

	process *exec.Cmd
	ended   chan struct{}
	err     error
}

// SQLite says whether the plan's database is a file.
func (p Plan) SQLite() bool { return !strings.HasPrefix(p.Database, "postgres") }

func (p Plan) environment(addr string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + p.Folder, "TZ=UTC",
		"VESTIBULE_DATA_DIR=" + p.Folder, "VESTIBULE_SECRET_KEY=" + SecretKey,
		"VESTIBULE_LOG_FORMAT=json", "VESTIBULE_LOG_LEVEL=debug", "VESTIBULE_MAIL_FROM=access@contoso.com",
		"VESTIBULE_TENANT_DOMAIN=contoso.com", "VESTIBULE_ADDR=" + addr,
	}
	if p.Database != "" {
		env = append(env, "VESTIBULE_DATABASE_URL="+p.Database)
	}
	if p.Public != "" {
		env = append(env, "VESTIBULE_URL="+p.Public)
	}
	if p.Limits != "" {
		env = append(env, "VESTIBULE_LIMITS="+p.Limits)
	}
	if host, port, err := net.SplitHostPort(p.SMTP); err == nil {
		env = append(env, "VESTIBULE_SMTP_HOST="+host, "VESTIBULE_SMTP_PORT="+port, "VESTIBULE_SMTP_TLS=off")
	}
	if cover := os.Getenv("GOCOVERDIR"); cover != "" {
		env = append(env, "GOCOVERDIR="+cover)
	}
	for name, value := range p.Env {
		env = append(env, name+"="+value)
	}
	return env
}

// Run runs a command of the binary to its end with the plan's settings. A failure carries what it said.
func (p Plan) Run(ctx context.Context, args ...string) (stdout string, err error) {
	binary, err := Binary()
	if err != nil {
		return "", err
	}
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = p.environment("127.0.0.1:8080"), p.Folder, &out, &said
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("vestibule %s: %w: %s%s", strings.Join(args, " "), err, out.String(), said.String())
	}
	return out.String(), nil
}

// Start runs `vestibule serve` on a free loopback port and returns at once; see Ready.
func (p Plan) Start() (*House, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	return p.StartAt(fmt.Sprintf("127.0.0.1:%d", port))
}

// StartAt is Start at a given host:port.
func (p Plan) StartAt(addr string) (*House, error) {
	binary, err := Binary()
	if err != nil {
		return nil, err
	}
	h := &House{Plan: p, Addr: addr, URL: "http://" + addr, Log: &Log{}, Out: &Log{}, ended: make(chan struct{})}
	if os.Getenv("E2E_LOG") != "" {
		h.Log.tee = os.Stderr
	}
	h.process = exec.Command(binary, "serve")
	h.process.Env, h.process.Dir = p.environment(addr), p.Folder
	h.process.Stdout, h.process.Stderr = h.Out, h.Log
	if err := h.process.Start(); err != nil {
		return nil, fmt.Errorf("start vestibule: %w", err)
	}
	go func() {
		h.err = h.process.Wait()
		close(h.ended)
	}()
	return h, nil
}

// Open is Start and Ready.
func (p Plan) Open(ctx context.Context) (*House, error) {
	h, err := p.Start()
	if err != nil {
		return nil, err
	}
	return h, h.Ready(ctx)
}

// Ready waits, at most a minute, until /readyz says yes.
func (h *House) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := Until(ctx, h.URL+"/readyz", func() bool {
		return h.gone() || h.Answers(ctx, "/readyz") == http.StatusOK
	})
	if h.gone() {
		err = errors.New("vestibule ended")
	}
	if err != nil {
		return fmt.Errorf("%w; it said:\n%s", err, h.Log.Tail(20))
	}
	return nil
}

// Answers is the status that a GET of path gives, or 0 when there is no answer within 3 seconds.
func (h *House) Answers(ctx context.Context, path string) int {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+path, nil)
	if err != nil {
		return 0
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// PID is the process id of the house.
func (h *House) PID() int { return h.process.Process.Pid }

func (h *House) gone() bool {
	select {
	case <-h.ended:
		return true
	default:
		return false
	}
}

// Signal sends a signal and does not wait.
func (h *House) Signal(s syscall.Signal) error { return h.process.Process.Signal(s) }

// Wait waits until the process has ended and returns its error: nil for exit code 0.
func (h *House) Wait(ctx context.Context) error {
	select {
	case <-h.ended:
		return h.err
	case <-ctx.Done():
		return fmt.Errorf("vestibule did not end: %w; it said:\n%s", ctx.Err(), h.Log.Tail(20))
	}
}

// Stop asks the house to end (SIGTERM) and waits, at most 30 seconds, for it.
func (h *House) Stop(ctx context.Context) error {
	if h.gone() {
		return h.err
	}
	if err := h.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop vestibule: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := h.Wait(ctx); err != nil {
		_ = h.process.Process.Kill()
		return err
	}
	return nil
}

// Kill ends the house as a power cut would.
func (h *House) Kill() {
	_ = h.process.Process.Kill()
	<-h.ended
}

// File is the path of the plan's SQLite database.
func (p Plan) File() string { return filepath.Join(p.Folder, "vestibule.db") }
