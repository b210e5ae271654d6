package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/app"
)

// ran is what a command left behind.
type ran struct {
	code        int
	out, errors string
}

// atHome gives the process a data folder of its own, and takes away what the machine says. Commands read the
// environment, so these tests run one after the other.
func atHome(t *testing.T, settings ...string) {
	t.Helper()
	for _, one := range os.Environ() {
		if name, _, _ := strings.Cut(one, "="); strings.HasPrefix(name, "VESTIBULE_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("VESTIBULE_DATA_DIR", t.TempDir())
	for _, one := range settings {
		name, value, _ := strings.Cut(one, "=")
		t.Setenv(name, value)
	}
}

// run is the command line, in this process.
func run(t *testing.T, stdin string, args ...string) ran {
	t.Helper()
	var out, errors bytes.Buffer
	cmd := root()
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&errors)
	code := report(&errors, cmd.ExecuteContext(t.Context()))
	return ran{code, out.String(), errors.String()}
}

func TestUsage_IsToldAndExits2(t *testing.T) {
	atHome(t)
	for _, tc := range []struct {
		name string
		args []string
		says string
	}{
		{"a command that is none", []string{"srve"}, `there is no command "vestibule srve"`},
		{"one under a group", []string{"flow", "aply"}, `there is no command "vestibule flow aply"`},
		{"one under another", []string{"migrate", "down"}, `there is no command "vestibule migrate down"`},
		{"a flag that is none", []string{"serve", "--port", "80"}, "unknown flag: --port"},
		{"a flag of another command", []string{"version", "--addr", "x"}, "unknown flag: --addr"},
		{"an argument where none goes", []string{"serve", "now"}, "unknown command"},
		{"a flag that is needed", []string{"flow", "apply"}, `required flag(s) "file" not set`},
		{"two that are", []string{"apikey", "create"}, `required flag(s) "name", "scopes" not set`},
		{"an argument that is needed", []string{"apikey", "revoke"}, "accepts 1 arg(s), received 0"},
		{"a flow that is not named", []string{"flow", "export"}, "requires at least 1 arg(s)"},
		{"a duration that is none", []string{"healthcheck", "--wait", "soon"}, "invalid argument"},
		{"a file that is not there", []string{"flow", "apply", "-f", "nowhere.yaml"}, "there is no nowhere.yaml"},
		{"a folder without flows", []string{"flow", "apply", "-f", t.TempDir()}, "holds no .yaml files"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := run(t, "", tc.args...)
			require.Equal(t, exitUsage, got.code, "%s", got.errors)
			require.Empty(t, got.out, "nothing on standard output")
			require.Contains(t, got.errors, tc.says)
		})
	}
	for _, args := range [][]string{{}, {"flow"}, {"--help"}, {"flow", "apply", "--help"}, {"help", "serve"}} {
		got := run(t, "", args...)
		require.Zero(t, got.code, "%v", args)
		require.Contains(t, got.out, "Usage:", "%v", args)
	}
	require.Equal(t, ran{out: "dev\n"}, run(t, "", "version"))
}

func TestConfigCheck_ReportsAllMistakesAtOnce(t *testing.T) {
	atHome(t)
	require.Equal(t, ran{out: "The settings are fine.\n"}, run(t, "", "config", "check"))
	for name, value := range map[string]string{
		"VESTIBULE_ADDR": "here", "VESTIBULE_LIMITS": "maybe", "VESTIBULE_SECRET_KEY": "hunter2", "VESTIBULE_CODE_LIFETIME": "2h", "VESTIBULE_ADR": "typo",
	} {
		t.Setenv(name, value)
	}
	got := run(t, "", "config", "check")
	require.Equal(t, exitInvalid, got.code)
	require.Empty(t, got.out)
	for _, name := range []string{"VESTIBULE_ADDR ", "VESTIBULE_LIMITS ", "VESTIBULE_SECRET_KEY ", "VESTIBULE_CODE_LIFETIME ", "VESTIBULE_ADR "} {
		require.Contains(t, got.errors, name)
	}
	require.NotContains(t, got.errors, "hunter2", "a secret is not repeated")
	require.Equal(t, exitInvalid, run(t, "", "serve").code, "and the server does not start")
}

func TestConfigPrint_HidesSecrets(t *testing.T) {
	atHome(t, "VESTIBULE_SECRET_KEY=kJ8s2Lq9Xw4Zr7Tn1Vb6Ym3Pc5Hd0Gf2")
	got := run(t, "", "config", "print")
	require.Zero(t, got.code)
	require.NotContains(t, got.out, "kJ8s2Lq9")
	require.Contains(t, got.out, "VESTIBULE_ADDR=127.0.0.1:8080  # default")
	require.Contains(t, got.out, "# environment")
}

const soundFlow = `apiVersion: vestibule/v1
kind: Flow
metadata: {name: partner}
spec:
  languages: [en]
  title: Partner
  pages:
    - {id: you, title: You, fields: [{name: fullName, type: text, label: Name}]}
  profile: {name: fullName}
  approval: {automatic: true}
`

func TestFlow_FilesInAndOut(t *testing.T) {
	atHome(t)
	folder := t.TempDir()
	file := filepath.Join(folder, "partner.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(soundFlow, "type: text", "type: txet", 1)), 0o600))
	for _, verb := range []string{"validate", "apply", "diff"} {
		got := run(t, "", "flow", verb, "-f", file)
		require.Equal(t, exitInvalid, got.code, verb)
		require.Empty(t, got.out, verb)
		require.Contains(t, got.errors, "the files have 2 mistakes; nothing was changed", verb)
		require.Regexp(t, regexp.QuoteMeta(file)+`:8:\d+: spec\.pages\[0\]\.fields\[0\]\.type: there is no "txet"; did you mean "text"\?`, got.errors, verb)
	}
	require.NoError(t, os.WriteFile(file, []byte(soundFlow), 0o600))
	require.Equal(t, ran{out: "The files are fine.\n"}, run(t, "", "flow", "validate", "-f", folder))
	require.Contains(t, run(t, "", "flow", "diff", "-f", folder).out, "partner: version 1")
	require.Equal(t, ran{out: "partner created, version 1\n"}, run(t, "", "flow", "apply", "-f", folder))
	require.Equal(t, ran{out: "partner unchanged, version 1\n"}, run(t, soundFlow, "flow", "apply", "-f", "-"))
	exported := run(t, "", "flow", "export", "partner")
	require.Zero(t, exported.code)
	require.Equal(t, ran{out: "partner unchanged, version 1\n"}, run(t, exported.out, "flow", "apply", "-f", "-"), "what is printed changes nothing")
	require.Equal(t, ran{out: "partner: no change\n"}, run(t, exported.out, "flow", "diff", "-f", "-"))
	unknown := run(t, "", "flow", "export", "nothing")
	require.Equal(t, exitFailed, unknown.code)
	require.Empty(t, unknown.out)
	require.Equal(t, exitConflict, run(t, "", "demo").code, "the demo does not mix with a flow of somebody's own")
}

func TestAPIKey_PrintsTheKeyAndNothingElse(t *testing.T) {
	atHome(t)
	made := run(t, "", "apikey", "create", "--name", "nightly", "--scopes", "guests:read,requests:read")
	require.Zero(t, made.code, made.errors)
	require.Regexp(t, `^vst_[A-Za-z0-9_-]{43}\n$`, made.out)
	require.Empty(t, made.errors)
	listed := run(t, "", "apikey", "list")
	require.NotContains(t, listed.out, strings.TrimSpace(made.out), "it is shown once")
	row := regexp.MustCompile(`(?m)^(\S+) +nightly +guests:read,requests:read +\S+ +works$`).FindStringSubmatch(listed.out)
	require.NotNil(t, row, listed.out)
	require.Zero(t, run(t, "", "apikey", "revoke", row[1]).code)
	require.Contains(t, run(t, "", "apikey", "list").out, "revoked")
	require.Equal(t, exitInvalid, run(t, "", "apikey", "revoke", "key_0").code)
	refused := run(t, "", "apikey", "create", "--name", "x", "--scopes", "everything")
	require.Equal(t, exitInvalid, refused.code)
	require.Empty(t, refused.out)
	require.Contains(t, refused.errors, "There is no scope “everything”")
}

func TestHealthcheck(t *testing.T) {
	ready := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(ready)
			_, _ = w.Write([]byte("database: away"))
		}
	}))
	defer server.Close()
	atHome(t, "VESTIBULE_ADDR="+strings.TrimPrefix(server.URL, "http://"))
	require.Equal(t, ran{}, run(t, "", "healthcheck"))
	require.Equal(t, ran{}, run(t, "", "healthcheck", "--ready"))
	ready = http.StatusServiceUnavailable
	got := run(t, "", "healthcheck", "--ready")
	require.Equal(t, exitNotReady, got.code)
	require.Contains(t, got.errors, "answers 503: database: away")
	require.Zero(t, run(t, "", "healthcheck").code, "it lives all the same")
	atHome(t, "VESTIBULE_ADDR="+refusing(t))
	got = run(t, "", "healthcheck")
	require.Equal(t, exitNotReady, got.code)
	require.Contains(t, got.errors, "nothing answers at http://127.0.0.1:")
}

// refusing is an address where nobody listens, nor can anybody until the test has ended.
func refusing(t *testing.T) string {
	t.Helper()
	bound, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(bound) })
	require.NoError(t, syscall.Bind(bound, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	at, err := syscall.Getsockname(bound)
	require.NoError(t, err)
	return fmt.Sprintf("127.0.0.1:%d", at.(*syscall.SockaddrInet4).Port)
}

func TestReachable(t *testing.T) {
	for given, want := range map[string]string{
		"0.0.0.0:8080": "127.0.0.1:8080", ":8080": "127.0.0.1:8080", "[::]:8080": "[::1]:8080", "10.0.0.7:80": "10.0.0.7:80", "localhost:8080": "localhost:8080",
	} {
		require.Equal(t, want, reachable(given))
	}
}

func TestMigrate_StatusBeforeAndAfter(t *testing.T) {
	atHome(t)
	before := run(t, "", "migrate", "status")
	require.Zero(t, before.code, before.errors)
	require.Contains(t, before.out, "waiting")
	require.NotContains(t, before.out, "applied")
	dry := run(t, "", "migrate", "up", "--dry-run")
	require.Zero(t, dry.code, dry.errors)
	require.Contains(t, dry.out, "CREATE TABLE requests")
	left, err := os.ReadDir(os.Getenv("VESTIBULE_DATA_DIR"))
	require.NoError(t, err)
	require.Empty(t, left, "looking makes neither database nor key")
	require.Equal(t, ran{out: "The schema is up to date.\n"}, run(t, "", "migrate", "up"))
	after := run(t, "", "migrate", "status")
	require.NotContains(t, after.out, "waiting")
	require.Equal(t, strings.Count(before.out, "\n"), strings.Count(after.out, "\n"))
}

func TestDatabaseAway_Exits3(t *testing.T) {
	atHome(t, "VESTIBULE_DATABASE_URL=postgres://v:hunter2@"+refusing(t)+"/v?sslmode=disable")
	for _, args := range [][]string{{"migrate", "status"}, {"migrate", "up"}, {"apikey", "list"}, {"flow", "export", "x"}, {"demo"}, {"setup-link"}} {
		got := run(t, "", args...)
		require.Equal(t, exitNotReady, got.code, "%v: %s", args, got.errors)
		require.NotContains(t, got.errors, "hunter2", "the password stays out of it")
	}
}

func TestSetupLink_AndDemo(t *testing.T) {
	atHome(t)
	link := run(t, "", "setup-link")
	require.Zero(t, link.code, link.errors)
	require.Regexp(t, `^http://127\.0\.0\.1:8080/setup#?\S*\n$`, link.out)
	people := run(t, "", "demo", "people", "--json")
	var listed []app.Person
	require.NoError(t, json.Unmarshal([]byte(people.out), &listed))
	require.Equal(t, app.DemoPeople(), listed)
	require.Zero(t, run(t, "", "demo").code)
	require.Equal(t, exitConflict, run(t, "", "demo").code, "once")
	require.Equal(t, ran{}, run(t, "", "demo", "--if-empty"))
	require.Equal(t, exitConflict, run(t, "", "setup-link").code, "there is an administrator")
}

func TestSecrets_AreMadeOnce(t *testing.T) {
	atHome(t)
	folder := t.TempDir()
	require.Equal(t, ran{}, run(t, "", "secrets", "init", folder))
	first, err := os.ReadFile(filepath.Join(folder, "database_url"))
	require.NoError(t, err)
	password, err := os.ReadFile(filepath.Join(folder, "postgres_password"))
	require.NoError(t, err)
	require.Contains(t, string(first), string(password))
	require.Equal(t, ran{}, run(t, "", "secrets", "init", folder))
	again, err := os.ReadFile(filepath.Join(folder, "database_url"))
	require.NoError(t, err)
	require.Equal(t, first, again)
}

// TestDoctor tells of every check beside its remedy, and in the exit code whether something is bad.
func TestDoctor(t *testing.T) {
	atHome(t)
	fresh := run(t, "", "doctor")
	require.Zero(t, fresh.code, fresh.errors)
	require.Contains(t, fresh.out, "look  Database: There is no database yet.\n      → Start vestibule serve")
	require.Zero(t, run(t, "", "migrate", "up").code)
	var report struct {
		State  string
		Checks []struct{ Check, State string }
	}
	require.NoError(t, json.Unmarshal([]byte(run(t, "", "doctor", "--json").out), &report))
	require.Equal(t, "look", report.State, "no backup was made yet")
	require.NoError(t, os.Chmod(filepath.Join(os.Getenv("VESTIBULE_DATA_DIR"), "secret.key"), 0o644))
	open := run(t, "", "doctor")
	require.Equal(t, exitNotReady, open.code)
	require.Contains(t, open.out, "BAD   Secret key")
	require.Contains(t, open.out, "chmod 600")
	t.Setenv("VESTIBULE_ADDR", "nowhere")
	wrong := run(t, "", "doctor")
	require.Equal(t, exitNotReady, wrong.code)
	require.Contains(t, wrong.out, "BAD   Settings")
}

// TestAuditVerify on a house whose events are all too young for a seal; audit's own tests have older ones.
func TestAuditVerify(t *testing.T) {
	atHome(t)
	require.Equal(t, exitInvalid, run(t, "", "audit", "verify").code, "without a key nothing was sealed")
	require.Zero(t, run(t, "", "migrate", "up").code)
	require.Zero(t, run(t, "", "setup-link").code)
	got := run(t, "", "audit", "verify")
	require.Zero(t, got.code, got.errors)
	require.Regexp(t, `^0 seals over 0 events; \d+ events are too young for one\.\n$`, got.out)
	require.JSONEq(t, `{"seals":0,"events":0,"open":0,"newest":"","breaks":[]}`, run(t, "", "audit", "verify", "--json").out)
	require.Equal(t, exitUsage, run(t, "", "audit", "verify", "--noted", "twelve").code)
	lost := run(t, "", "audit", "verify", "--noted", "12:9f86d081")
	require.Equal(t, exitFailed, lost.code)
	require.Contains(t, lost.errors, "its newest events were taken away")
}

// TestBackup_ThereAndBack by the commands, from an old folder to a new one.
func TestBackup_ThereAndBack(t *testing.T) {
	atHome(t)
	require.Equal(t, exitInvalid, run(t, "", "backup", "create").code, "a key that is made for the backup would be of no use")
	require.Zero(t, run(t, "", "demo").code)
	folder := t.TempDir()
	made := run(t, "", "backup", "create", "--out", folder)
	require.Zero(t, made.code, made.errors)
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, files, 1)
	file := filepath.Join(folder, files[0].Name())
	checked := run(t, "", "backup", "verify", file)
	require.Zero(t, checked.code, checked.errors)
	require.Equal(t, exitConflict, run(t, "", "backup", "restore", file).code, "never over a database that holds something")

	key, err := os.ReadFile(filepath.Join(os.Getenv("VESTIBULE_DATA_DIR"), "secret.key"))
	require.NoError(t, err)
	t.Setenv("VESTIBULE_DATA_DIR", t.TempDir())
	alone := run(t, "", "backup", "verify", file)
	require.Zero(t, alone.code, alone.errors)
	require.Contains(t, alone.errors, "the seal was not checked")
	require.Equal(t, exitConflict, run(t, "", "backup", "restore", file).code, "without its key")
	require.NoError(t, os.WriteFile(filepath.Join(os.Getenv("VESTIBULE_DATA_DIR"), "secret.key"), key, 0o600))
	restored := run(t, "", "backup", "restore", file)
	require.Zero(t, restored.code, restored.errors)
	require.Contains(t, restored.out, "Everybody has to sign in again")
	require.NoError(t, os.Truncate(file, 5000))
	require.Equal(t, exitInvalid, run(t, "", "backup", "verify", file).code)
}
