package app

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/config"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

var update = flag.Bool("update", false, "write golden files anew")

const address = "http://127.0.0.1:8080"

// testHouse is the whole house as Build wires it, with the demo's company and flows, on a clock that stands still. Mail
// ends in the built-in mailbox.
type testHouse struct {
	*House
	t      *testing.T
	clk    *clock.Fake
	engine *gin.Engine
	seen   string          // the newest audit event that a scenario has accounted for
	read   map[string]bool // mails that it has read
}

// settings are those of a house on loopback with a database of its own.
func settings(t *testing.T, url string, more ...string) *config.Config {
	t.Helper()
	cfg, err := config.Load(config.Sources{Environ: append([]string{
		"VESTIBULE_DATA_DIR=" + t.TempDir(), "VESTIBULE_DATABASE_URL=" + url, "VESTIBULE_LIMITS=off", "VESTIBULE_TENANT_DOMAIN=contoso.com",
		"VESTIBULE_SECRET_KEY=kJ8s2Lq9Xw4Zr7Tn1Vb6Ym3Pc5Hd0Gf2",
	}, more...)})
	require.NoError(t, err)
	return cfg
}

func buildHouse(t *testing.T, url string, clk clock.Clock, more ...string) *House {
	t.Helper()
	h, err := Build(t.Context(), Options{Config: settings(t, url, more...), Logger: slog.New(slog.DiscardHandler), Version: "test", Clock: clk})
	require.NoError(t, err)
	t.Cleanup(h.Close)
	return h
}

// eachHouse runs fn on both databases.
func eachHouse(t *testing.T, fn func(t *testing.T, h *testHouse)) {
	t.Helper()
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			fn(t, openHouse(t, dialect))
		})
	}
}

func openHouse(t *testing.T, dialect database.Dialect, more ...string) *testHouse {
	t.Helper()
	return openPrepared(t, dialect, func(*House) {}, more...)
}

// openPrepared lets prepare at the house before its doors are hung.
func openPrepared(t *testing.T, dialect database.Dialect, prepare func(h *House), more ...string) *testHouse {
	t.Helper()
	clk := clock.NewFake(dbtest.Start)
	return furnish(t, buildHouse(t, dbtest.URL(t, dialect), clk, more...), clk, prepare)
}

// furnish hangs the doors and seeds company and flows.
func furnish(t *testing.T, built *House, clk *clock.Fake, prepare func(h *House)) *testHouse {
	t.Helper()
	h := &testHouse{House: built, t: t, clk: clk, read: map[string]bool{}}
	ready := &readiness{}
	ready.set(nil)
	prepare(h.House)
	engine, err := h.router(web.NewHealth(clk, web.Check{Name: "database", Run: h.DB.Ping}), ready)
	require.NoError(t, err)
	h.engine = engine
	s := &seeder{House: h.House, ctx: t.Context(), clock: clk, now: clk.Now(), members: map[string]*directory.User{}}
	require.NoError(t, s.company())
	require.NoError(t, s.flows())
	h.events()
	return h
}

// events are the audit events since the last call, oldest first.
func (h *testHouse) events() (names []string) {
	h.t.Helper()
	var rows []struct{ ID, Name string }
	require.NoError(h.t, h.DB.Read(context.Background()).Raw("SELECT id, name FROM audit_events WHERE id > ? ORDER BY id", h.seen).Scan(&rows).Error)
	for _, row := range rows {
		h.seen, names = row.ID, append(names, row.Name)
	}
	return names
}

type keptMail struct{ ID, Kind, MailTo, TextPart string }

// mails delivers what is due; they are those since the last call, oldest first.
func (h *testHouse) mails() (kept []keptMail) {
	h.t.Helper()
	_, err := h.Jobs.Drain(context.Background())
	require.NoError(h.t, err)
	var all []keptMail
	require.NoError(h.t, h.DB.Read(context.Background()).Raw("SELECT id, kind, mail_to, text_part FROM mailbox_messages ORDER BY id").Scan(&all).Error)
	for _, m := range all {
		if !h.read[m.ID] {
			h.read[m.ID] = true
			kept = append(kept, m)
		}
	}
	return kept
}

var codeForm = regexp.MustCompile(`(?m)^(\d{6})\s*$`)

// code is the one in the mails that have left since the last look.
func (h *testHouse) code() string {
	h.t.Helper()
	kept := h.mails()
	for _, m := range kept {
		if found := codeForm.FindStringSubmatch(m.TextPart); found != nil {
			return found[1]
		}
	}
	h.t.Fatalf("no code among %d mails", len(kept))
	return ""
}

func (h *testHouse) count(query string, args ...any) (n int) {
	h.t.Helper()
	require.NoError(h.t, h.DB.Read(context.Background()).Raw("SELECT count(*) FROM "+query, args...).Scan(&n).Error)
	return n
}

// browser keeps cookies, as one does.
type browser struct {
	*testHouse
	cookies map[string]string
	key     string
}

func (h *testHouse) browser() *browser { return &browser{testHouse: h, cookies: map[string]string{}} }

// as is somebody who has signed in with a code.
func (h *testHouse) as(mail string) *browser {
	h.t.Helper()
	b := h.browser()
	b.POST("/api/v1/signin", `{"email":"`+mail+`"}`).status(200)
	b.POST("/api/v1/signin/code", `{"code":"`+h.code()+`"}`).status(200)
	h.events()
	return b
}

// program holds an API key with scopes.
func (h *testHouse) program(scopes ...string) *browser {
	h.t.Helper()
	_, token, err := h.Identity.CreateKey(h.t.Context(), identity.NewKey{Name: "nightly", Scopes: scopes})
	require.NoError(h.t, err)
	h.events()
	b := h.browser()
	b.key = token
	return b
}

// answer is what came back, to be held against what should.
type answer struct {
	*httptest.ResponseRecorder
	b *browser
}

func (b *browser) GET(path string) *answer         { return b.do(http.MethodGet, path, "") }
func (b *browser) POST(path, body string) *answer  { return b.do(http.MethodPost, path, body) }
func (b *browser) PATCH(path, body string) *answer { return b.do(http.MethodPatch, path, body) }

func (b *browser) do(method, path, body string) *answer {
	b.t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, address+path, in)
	r.RemoteAddr = "127.0.0.1:4711"
	r.Header.Set("User-Agent", "Mozilla/5.0 (Windows NT 10.0) Chrome/142.0 Safari/537.36")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if b.key != "" {
		r.Header.Set("Authorization", "Bearer "+b.key)
	} else {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.engine.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return &answer{w, b}
}

func (a *answer) status(want int) *answer {
	a.b.t.Helper()
	require.Equal(a.b.t, want, a.Code, "%s", a.Body)
	return a
}

// problem holds status and stable code.
func (a *answer) problem(status int, code string) *answer {
	a.b.t.Helper()
	a.status(status)
	require.Equal(a.b.t, code, a.field("code"), "%s", a.Body)
	require.Equal(a.b.t, "application/problem+json", a.Header().Get("Content-Type"))
	return a
}

// audit holds that exactly these events were written since the last look.
func (a *answer) audit(want ...string) *answer {
	a.b.t.Helper()
	require.Equal(a.b.t, want, a.b.events())
	return a
}

// mail holds that exactly these mails left, as "kind recipient", in any order.
func (a *answer) mail(want ...string) *answer {
	a.b.t.Helper()
	var got []string
	for _, m := range a.b.mails() {
		got = append(got, m.Kind+" "+m.MailTo)
	}
	require.ElementsMatch(a.b.t, want, got)
	return a
}

// field is a member of the answer's JSON, by names with dots between.
func (a *answer) field(path string) string {
	a.b.t.Helper()
	var v any
	require.NoError(a.b.t, json.Unmarshal(a.Body.Bytes(), &v), "%s", a.Body)
	for _, name := range strings.Split(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			require.Equal(a.b.t, "0", name)
			require.NotEmpty(a.b.t, in)
			v = in[0]
		}
	}
	s, _ := v.(string)
	return s
}

// What differs from run to run: ids, references, tokens, request ids.
var changing = []struct {
	form *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\b([a-z]{2,8})_[0-9A-HJKMNP-TV-Z]{26}\b`), "${1}_…"},
	{regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{3}-[0-9A-Z*~$=]\b`), "REF"},
	{regexp.MustCompile(`"requestId": "[^"]+"`), `"requestId": "…"`},
}

// golden compares the JSON with a file that both databases share.
func (a *answer) golden(name string) *answer {
	a.b.t.Helper()
	var v any
	require.NoError(a.b.t, json.Unmarshal(a.Body.Bytes(), &v), "%s", a.Body)
	if shown, ok := v.(map[string]any); ok { // mails of one instant have no order
		deliveries, _ := shown["deliveries"].([]any)
		slices.SortFunc(deliveries, func(x, y any) int {
			return strings.Compare(fmt.Sprint(x.(map[string]any)["kind"]), fmt.Sprint(y.(map[string]any)["kind"]))
		})
	}
	pretty, err := json.MarshalIndent(v, "", "  ")
	require.NoError(a.b.t, err)
	text := string(pretty)
	for _, c := range changing {
		text = c.form.ReplaceAllString(text, c.with)
	}
	goldenText(a.b.t, name, text+"\n", a.b.DB.Dialect() == database.SQLite)
	return a
}

func goldenText(t *testing.T, name, text string, writes bool) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update && writes {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run with -update once, and read what it wrote")
	require.Equal(t, string(want), text, "%s differs; if that was meant, run with -update and read the difference", path)
}

// sends lets b sign up as mail, up to the sent request, and returns its reference.
func (h *testHouse) sends(b *browser, mail string) string {
	h.t.Helper()
	id := b.POST("/api/v1/signups", `{"flow":"supplier"}`).status(201).field("id")
	b.POST("/api/v1/signups/"+id+"/email", `{"email":"`+mail+`"}`).status(202)
	b.POST("/api/v1/signups/"+id+"/code", `{"code":"`+h.code()+`"}`).status(200)
	return b.POST("/api/v1/signups/"+id+"/submit", mariasAnswers).status(202).field("reference")
}

// hire adds a member.
func (h *testHouse) hire(mail string, roles ...string) {
	h.t.Helper()
	require.NoError(h.t, h.DB.InTx(h.t.Context(), func(tx *database.Tx) error {
		_, err := h.People.AddMember(tx, directory.NewMember{Name: "New Hire", Mail: mustAddress(mail), Roles: roles})
		return err
	}))
}
