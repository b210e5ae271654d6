package web_test

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGuard(t *testing.T) {
	t.Parallel()
	const good = `{"name":"x"}`
	big := `{"name":"` + strings.Repeat("x", 70<<10) + `"}`
	for _, tc := range []struct {
		name, method, target, body string
		with                       []string
		status                     int
		code                       string
	}{
		{"our page reads", "GET", "/api/v1/things/1", "", nil, 200, ""},
		{"our page writes", "POST", "/api/v1/things/1", good, nil, 201, ""},
		{"charset is no harm", "POST", "/api/v1/things/1", good, []string{"Content-Type: application/json; charset=UTF-8"}, 201, ""},
		{"a program without browser headers", "POST", "/api/v1/things/1", good, []string{"-Origin", "-Sec-Fetch-Site"}, 201, ""},
		{"a cookie from nowhere", "POST", "/api/v1/things/1", good, []string{"-Origin", "-Sec-Fetch-Site", "Cookie: a=b"}, 403, "cross_origin"},
		{"a cookie and an own origin, old browser", "POST", "/api/v1/things/1", good, []string{"-Sec-Fetch-Site", "Cookie: a=b"}, 201, ""},
		{"a cookie, no Origin, said to be from here", "POST", "/api/v1/things/1", good, []string{"-Origin", "Cookie: a=b"}, 201, ""},
		{"a program with a token, from a page of its own", "POST", "/api/v1/things/1", good, []string{"Origin: https://tool.example", "Sec-Fetch-Site: cross-site", "Authorization: Bearer vst_x"}, 201, ""},
		{"a token and a cookie: something to ride on", "POST", "/api/v1/things/1", good, []string{"Origin: https://tool.example", "Sec-Fetch-Site: cross-site", "Authorization: Bearer vst_x", "Cookie: a=b"}, 403, "cross_origin"},
		{"another scheme is no token", "POST", "/api/v1/things/1", good, []string{"Origin: https://tool.example", "Authorization: Basic x"}, 403, "cross_origin"},
		{"another site", "POST", "/api/v1/things/1", good, []string{"Origin: https://evil.test", "Sec-Fetch-Site: cross-site"}, 403, "cross_origin"},
		{"another site, old browser", "POST", "/api/v1/things/1", good, []string{"Origin: https://evil.test", "-Sec-Fetch-Site"}, 403, "cross_origin"},
		{"a sandboxed page", "POST", "/api/v1/things/1", good, []string{"Origin: null", "-Sec-Fetch-Site"}, 403, "cross_origin"},
		{"ourselves over plain http", "POST", "/api/v1/things/1", good, []string{"Origin: http://guests.contoso.com", "-Sec-Fetch-Site"}, 403, "cross_origin"},
		{"a sibling", "POST", "/api/v1/things/1", good, []string{"Origin: https://blog.contoso.com", "Sec-Fetch-Site: same-site"}, 403, "cross_origin"},
		{"another site without Origin", "POST", "/api/v1/things/1", good, []string{"-Origin", "Sec-Fetch-Site: cross-site"}, 403, "cross_origin"},
		{"two origins", "POST", "/api/v1/things/1", good, []string{"Origin: +https://evil.test", "-Sec-Fetch-Site"}, 403, "cross_origin"},
		{"reading from elsewhere is the browser's business", "GET", "/api/v1/things/1", "", []string{"Origin: https://evil.test", "Sec-Fetch-Site: cross-site"}, 200, ""},
		{"SAML posts come from elsewhere", "POST", "/saml/acs", "a=b", []string{"Origin: https://idp.example", "Sec-Fetch-Site: cross-site", "Content-Type: application/x-www-form-urlencoded"}, 204, ""},
		{"and have a size of their own", "POST", "/saml/acs", "a=bbbbbbbbbbbb", []string{"Content-Type: application/x-www-form-urlencoded"}, 413, "body_too_large"},
		{"tokens are asked for by form", "POST", "/oauth2/token", "a=b", []string{"Content-Type: application/x-www-form-urlencoded"}, 204, ""},

		{"another host", "GET", "/api/v1/things/1", "", []string{"Host: evil.test"}, 421, "host_unknown"},
		{"another host, unknown page", "GET", "/nowhere", "", []string{"Host: evil.test"}, 421, "host_unknown"},
		{"another port", "GET", "/api/v1/things/1", "", []string{"Host: guests.contoso.com:8443"}, 421, "host_unknown"},
		{"the implied port, in capitals", "GET", "/api/v1/things/1", "", []string{"Host: GUESTS.contoso.com:443"}, 200, ""},
		{"forwarded host is not looked at", "GET", "/api/v1/things/1", "", []string{"X-Forwarded-Host: evil.test", "Forwarded: host=evil.test"}, 200, ""},
		{"absolute form", "GET", "http://evil.test/api/v1/things/1", "", []string{"Host: evil.test"}, 421, "host_unknown"},
		{"health, asked from this machine by any name", "GET", "/livez", "", []string{"Host: 10.1.2.3:8080", "Remote: 127.0.0.1:1"}, 200, ""},
		{"health, asked from outside by another name", "GET", "/readyz", "", []string{"Host: 10.1.2.3:8080"}, 421, "host_unknown"},

		{"form instead of JSON", "POST", "/api/v1/things/1", "name=x", []string{"Content-Type: application/x-www-form-urlencoded"}, 415, "content_type_unsupported"},
		{"JSON called text", "POST", "/api/v1/things/1", good, []string{"Content-Type: text/plain"}, 415, "content_type_unsupported"},
		{"no type", "POST", "/api/v1/things/1", good, []string{"-Content-Type"}, 415, "content_type_unsupported"},
		{"a type with junk", "POST", "/api/v1/things/1", good, []string{"Content-Type: application/json; x"}, 415, "content_type_unsupported"},
		{"a type with an odd parameter", "POST", "/api/v1/things/1", good, []string{"Content-Type: application/json; x=y"}, 415, "content_type_unsupported"},
		{"another charset", "POST", "/api/v1/things/1", good, []string{"Content-Type: application/json; charset=utf-16"}, 415, "content_type_unsupported"},
		{"two types", "POST", "/api/v1/things/1", good, []string{"Content-Type: +text/plain"}, 415, "content_type_unsupported"},
		{"compressed", "POST", "/api/v1/things/1", good, []string{"Content-Encoding: gzip"}, 415, "content_encoding_unsupported"},

		{"too large for the public", "POST", "/api/v1/things/1", big, nil, 413, "body_too_large"},
		{"not too large for staff", "PUT", "/api/v1/things/1", big, nil, 422, "fields_invalid"},
		{"too large for staff", "PUT", "/api/v1/things/1", `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, nil, 413, "body_too_large"},

		{"known keys, a list repeated", "GET", "/api/v1/things/1?limit=3&tag=a&tag=b&lang=de", "", nil, 200, ""},
		{"an unknown key", "GET", "/api/v1/things/1?limt=3", "", nil, 400, "unknown_parameter"},
		{"key in another case", "GET", "/api/v1/things/1?LIMIT=3", "", nil, 400, "unknown_parameter"},
		{"a key twice", "GET", "/api/v1/things/1?limit=3&limit=4", "", nil, 400, "parameter_invalid"},
		{"a broken escape", "GET", "/api/v1/things/1?limit=%zz", "", nil, 400, "parameter_invalid"},
		{"keys where none are known", "POST", "/api/v1/things/1?x=1", good, nil, 400, "unknown_parameter"},

		{"nothing there", "GET", "/api/v1/nothing", "", nil, 404, "not_found"},
		{"nothing there, to write to", "POST", "/api/v1/nothing", good, nil, 404, "not_found"},
		{"a trailing slash is another address", "GET", "/api/v1/things/1/", "", nil, 404, "not_found"},
		{"operations are elsewhere", "GET", "/metrics", "", nil, 404, "not_found"},
		{"the wrong method", "DELETE", "/api/v1/things/1", "", nil, 405, "method_not_allowed"},
		{"HEAD is not GET for the API", "HEAD", "/api/v1/things/1", "", nil, 405, ""},
		{"TRACE", "TRACE", "/api/v1/things/1", "", nil, 405, "method_not_allowed"},
		{"preflight", "OPTIONS", "/api/v1/things/1", "", []string{"Origin: https://evil.test", "Access-Control-Request-Method: PUT"}, 405, "method_not_allowed"},
		{"method override is not looked at", "GET", "/api/v1/things/1", "", []string{"X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE"}, 200, ""},
		{"method override by form", "POST", "/api/v1/things/1?_method=DELETE", good, nil, 400, "unknown_parameter"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := open(t).ask(t, tc.method, tc.target, tc.body, tc.with...)
			require.Equal(t, tc.status, w.Code, "%s", w.Body)
			if tc.code != "" {
				require.Equal(t, tc.code, problemOf(t, w)["code"])
			}
			for name := range w.Header() {
				require.False(t, strings.HasPrefix(name, "Access-Control-"), "no CORS, ever: %s", name)
			}
		})
	}
}

func TestGuard_onLoopbackAnyNameOfThisMachineWillDo(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *web.Options) { o.PublicURL = "http://127.0.0.1:8080" })
	for host, status := range map[string]int{
		"127.0.0.1:8080": 200, "localhost:8080": 200, "[::1]:8080": 200,
		"127.0.0.1:9090": 421, "localhost": 421, "rebound.evil.test:8080": 421, "127.0.0.1": 421,
	} {
		require.Equal(t, status, h.ask(t, "GET", "/api/v1/things/1", "", "Host: "+host).Code, host)
	}
	require.Equal(t, 201, h.ask(t, "POST", "/api/v1/things/1", `{"name":"x"}`, "Host: localhost:8080", "Origin: http://localhost:8080").Code)
	w := h.ask(t, "GET", "/api/v1/things/1", "", "Host: localhost:8080")
	require.Empty(t, w.Header().Get("Strict-Transport-Security"), "plain http promises nothing")
}

func TestNew_headersOnEveryAnswer(t *testing.T) {
	t.Parallel()
	pages := func(o *web.Options) {
		o.Pages = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	}
	h := open(t, pages)
	good := `{"name":"x"}`
	var b strings.Builder
	for _, tc := range []struct {
		status               int
		method, target, body string
		with                 []string
	}{
		{200, "GET", "/api/v1/things/1", "", nil},
		{200, "GET", "/join/supplier", "", nil},
		{200, "GET", "/_mail", "", nil},
		{304, "GET", "/api/v1/things/1", "", []string{`If-None-Match: "1"`}},
		{400, "POST", "/api/v1/things/1", "{", nil},
		{401, "GET", "/api/fail/anonymous", "", nil},
		{403, "POST", "/api/v1/things/1", good, []string{"Origin: https://evil.test"}},
		{404, "GET", "/api/v1/nothing", "", nil},
		{405, "DELETE", "/api/v1/things/1", "", nil},
		{405, "POST", "/join/supplier", "", nil},
		{409, "GET", "/api/fail/teapot", "", nil},
		{413, "POST", "/api/v1/things/1", strings.Repeat(" ", 65<<10), nil},
		{415, "POST", "/api/v1/things/1", good, []string{"Content-Type: text/plain"}},
		{421, "GET", "/join/supplier", "", []string{"Host: evil.test"}},
		{422, "POST", "/api/v1/things/1", `{}`, nil},
		{429, "GET", "/api/fail/limit", "", nil},
		{500, "GET", "/api/fail/panic", "", nil},
	} {
		w := h.ask(t, tc.method, tc.target, tc.body, tc.with...)
		require.Equal(t, tc.status, w.Code, "%s %s: %s", tc.method, tc.target, w.Body)
		fmt.Fprintf(&b, "== %d %s %s\n", w.Code, tc.method, tc.target)
		for _, name := range slices.Sorted(maps.Keys(w.Header())) {
			value := strings.Join(w.Header()[name], " | ")
			if name == "Request-Id" {
				require.Regexp(t, `^req_[0-9A-HJKMNP-TV-Z]{26}$`, value)
				value = "req_…"
			}
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
		require.Empty(t, w.Header().Get("Server"))
		for _, bad := range []string{"unsafe-inline", "unsafe-eval", "*", "script-src 'self' data:"} {
			require.NotContains(t, w.Header().Get("Content-Security-Policy"), bad)
		}
	}
	golden(t, "headers.golden", b.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "if this is meant, run the test with -update and review the difference")
}

func TestPages_getEverythingThatIsNoAPI(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *web.Options) {
		o.Pages = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "page "+r.URL.Path) })
	})
	require.Equal(t, "page /apis", h.ask(t, "GET", "/apis", "").Body.String())
	require.Equal(t, 200, h.ask(t, "GET", "/join/supplier", "").Code)
	require.Equal(t, 200, h.ask(t, "HEAD", "/", "").Code)
	for _, path := range []string{"/api", "/api/x", "/graph/v1.0/users", "/scim/v2/Users", "/oauth2/x", "/metrics", "/debug/pprof/", "/.well-known/x"} {
		require.Equal(t, 404, h.ask(t, "GET", path, "").Code, path)
	}
	w := h.ask(t, "POST", "/join/supplier", "")
	require.Equal(t, 405, w.Code)
	require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
}

func TestFaults_areToldWithoutInternals(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, how := range []string{"panic", "secret"} {
		w := h.ask(t, "GET", "/api/fail/"+how, "")
		require.Equal(t, 500, w.Code)
		p := problemOf(t, w)
		require.Equal(t, "internal_error", p["code"])
		require.NotContains(t, w.Body.String(), "hunter2")
		require.Equal(t, 1, strings.Count(h.log.String(), `"level":"ERROR"`), h.log.String())
		require.Contains(t, h.log.String(), `"requestId":"`+p["requestId"].(string)+`"`)
		require.Contains(t, h.log.String(), "hunter2", "the log has the cause")
		h.log.Reset()
	}
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { h.ask(t, "GET", "/api/fail/late", "") },
		"half an answer must not look whole")
}

func TestProblem_speaksTheReadersLanguage(t *testing.T) {
	t.Parallel()
	h := open(t)
	for header, want := range map[string]string{
		"": "en", "de-AT,de;q=0.9,en;q=0.8": "de", "ar-EG": "ar", "ja": "en", "fr;q=0.9, ar;q=0.5": "ar", "en-GB": "en",
		"*": "en", "!!": "en", strings.Repeat("x", 9000): "en", "de": "de",
	} {
		w := h.ask(t, "GET", "/api/v1/nothing", "", "Accept-Language: "+header)
		require.Equal(t, want, w.Header().Get("Content-Language"), header)
		require.Equal(t, "Accept-Language", w.Header().Get("Vary"))
	}
	p := problemOf(t, h.ask(t, "GET", "/api/v1/nothing", "", "Accept-Language: de"))
	require.Equal(t, "Nicht gefunden", p["title"])
	require.Equal(t, "Unter dieser Adresse gibt es nichts.", p["detail"])
}

func TestProblem_membersAndWaits(t *testing.T) {
	t.Parallel()
	h := open(t)
	p := problemOf(t, h.ask(t, "GET", "/api/fail/teapot", ""))
	require.Equal(t, "Ana", p["decidedBy"])
	require.Equal(t, "Already decided by Ana.", p["detail"])
	require.NotContains(t, fmt.Sprint(p), "internal words")
	require.NotContains(t, fmt.Sprint(p), "forged", "a member cannot replace what every problem has")

	w := h.ask(t, "GET", "/api/fail/wait", "")
	require.Equal(t, "2", w.Header().Get("Retry-After"))
	require.EqualValues(t, 2, problemOf(t, w)["retryAfter"])
	require.Equal(t, "300", h.ask(t, "GET", "/api/fail/limit", "").Header().Get("Retry-After"), "limits are coarse")
	w = h.ask(t, "GET", "/api/fail/anonymous", "")
	require.Equal(t, "Bearer", w.Header().Get("WWW-Authenticate"))
	p = problemOf(t, h.ask(t, "GET", "/api/fail/parameter", ""))
	require.Equal(t, "parameter_invalid", p["code"])
	require.Equal(t, "limit", p["parameter"])
	require.NotContains(t, fmt.Sprint(p), "<b>")
}

func TestLog_namesRoutesNeverPaths(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.ask(t, "GET", "/api/v1/things/t0ken?limit=77777", "", "User-Agent: x\ny")
	require.Contains(t, h.log.String(), `"route":"/api/v1/things/:id"`)
	require.NotContains(t, h.log.String(), "t0ken")
	require.NotContains(t, h.log.String(), "77777")
	h.log.Reset()
	h.ask(t, "GET", "/livez", "")
	require.Empty(t, h.log.String(), "probes are not worth a line")
}

// An asset or a health request costs at most 60 µs, the server's own work included.
func BenchmarkEngine(b *testing.B) {
	clk := clock.NewFake(start)
	e := web.New(web.Options{
		PublicURL: "https://guests.contoso.com", Logger: discard(), Clock: clk, IDs: ids.System(clk), Health: web.NewHealth(clk),
		Pages: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }),
	})
	for _, path := range []string{"/livez", "/_app/immutable/x.js"} {
		b.Run(path[1:], func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = "guests.contoso.com"
			r.Header.Set("Accept-Language", "de-AT,de;q=0.9,en;q=0.8")
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if e.ServeHTTP(w, r); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
