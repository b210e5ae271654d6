package stack

import (
	"bufio"
	"context"
	"crypto/rand"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/mailstand"
)

func TestPostgres_GivesEveryTestADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	p, err := OpenPostgres(ctx)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	t.Log("PostgreSQL:", p.From)
	one, err := p.NewDatabase(ctx)
	require.NoError(t, err)
	two, err := p.NewDatabase(ctx)
	require.NoError(t, err)
	require.NotEqual(t, one, two)
	conn, err := pgx.Connect(ctx, one)
	require.NoError(t, err)
	_, err = conn.Exec(ctx, "CREATE EXTENSION pg_trgm")
	require.NoError(t, err, "the search index needs pg_trgm")
	require.NoError(t, conn.Close(ctx))
}

func TestEmbeddedPostgres_RunsWhereNoOtherIsInstalled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	b, ok := embeddedBinaries()
	require.Truef(t, ok, "npm ci in e2e brings it: %v", b)
	p := &Postgres{From: b.from, folder: filepath.Join(t.TempDir(), "pg"), log: &Log{}}
	require.NoError(t, os.MkdirAll(p.folder, 0o700))
	for up := p.folder; up != os.TempDir() && up != "/"; up = filepath.Dir(up) {
		_ = os.Chmod(up, 0o755) //nolint:gosec // PostgreSQL runs as nobody and has to pass
	}
	t.Cleanup(p.Close)
	require.NoError(t, p.startCluster(ctx, b, volatile))
}

func TestMail_KeepsWhatCameAndFindsItByRecipient(t *testing.T) {
	t.Parallel()
	m, err := OpenMail(t.Context())
	require.NoError(t, err)
	t.Cleanup(m.Close)
	t.Log("mail catcher:", m.Name)
	maria := "maria-" + rand.Text() + "@fabrikam.de" // a Mailpit that was given may hold the mails of earlier runs
	body := "From: Contoso <access@contoso.com>\r\nTo: " + maria + "\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHello.\r\n"
	require.NoError(t, smtp.SendMail(m.SMTP, nil, "access@contoso.com", []string{maria}, []byte(body)))
	require.NoError(t, smtp.SendMail(m.SMTP, nil, "access@contoso.com", []string{"lukas@fabrikam.de"}, []byte(body)))
	found, err := m.To(t.Context(), maria)
	require.NoError(t, err)
	require.Len(t, found, 1)
	letter, err := m.Read(t.Context(), found[0].ID)
	require.NoError(t, err)
	require.Equal(t, "Grüße", letter.Subject)
	require.Contains(t, letter.Text, "Hello.")
	require.Equal(t, "access@contoso.com", letter.From.Address)
	require.Equal(t, []string{maria}, letter.Headers["To"])
}

func TestStandIn_Misbehaves(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		fault mailstand.Fault
		say   string // part of the client's error
		kept  int    // mails after two tries
	}{
		{"refuses once, then takes it", mailstand.Fault{Stage: mailstand.AtRcpt, Code: 451, Say: "greylisted", Times: 1}, "greylisted", 1},
		{"refuses for ever", mailstand.Fault{Stage: mailstand.AtRcpt, Code: 550, Say: "mailbox full"}, "mailbox full", 0},
		{"refuses the message", mailstand.Fault{Stage: mailstand.AtDot, Code: 554}, "scripted refusal", 0},
		{"keeps the mail and drops the line before saying so", mailstand.Fault{Stage: mailstand.AfterDot, Times: 1}, "", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m, err := StandIn()
			require.NoError(t, err)
			t.Cleanup(m.Close)
			m.Stand().Script("Maria@fabrikam.de", tc.fault)
			send := func() error {
				return smtp.SendMail(m.SMTP, nil, "a@contoso.com", []string{"maria@fabrikam.de"}, []byte("Subject: x\r\n\r\ny\r\n"))
			}
			require.ErrorContains(t, send(), tc.say)
			_ = send()
			require.Len(t, m.Stand().All(), tc.kept)
			require.Contains(t, m.Stand().Wire(), "RCPT TO:<maria@fabrikam.de>")
		})
	}
}

// A house begins to listen long after its port was found, and again after a stop.
func TestFreePort_IsNobodyElsesMeanwhile(t *testing.T) {
	t.Parallel()
	known := map[int]bool{}
	for range 200 {
		port, err := FreePort()
		require.NoError(t, err)
		require.False(t, known[port], "given twice: %d", port)
		known[port] = true
	}
}

func TestProxy_Weather(t *testing.T) {
	t.Parallel()
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = echo.Close() })
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() {
				line, _ := bufio.NewReader(conn).ReadString('\n')
				_, _ = conn.Write([]byte(strings.ToUpper(line)))
			}()
		}
	}()
	p, err := NewProxy(echo.Addr().String())
	require.NoError(t, err)
	t.Cleanup(p.Close)
	say := func(wait time.Duration) (string, error) {
		conn, err := net.Dial("tcp", p.Addr)
		if err != nil {
			return "", err
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(wait))
		_, _ = conn.Write([]byte("hello\n"))
		return bufio.NewReader(conn).ReadString('\n')
	}
	for range 2 {
		got, err := say(5 * time.Second)
		require.NoError(t, err)
		require.Equal(t, "HELLO\n", got)
		require.NoError(t, p.Set(Blackhole))
		_, err = say(50 * time.Millisecond)
		require.ErrorContains(t, err, "timeout", "a black hole takes the connection and says nothing")
		require.NoError(t, p.Set(Cut))
		_, err = say(time.Second)
		require.ErrorContains(t, err, "refused")
		require.NoError(t, p.Set(Clear))
	}
}
