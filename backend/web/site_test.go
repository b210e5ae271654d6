package web_test

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/web"
)

const shell = `<html><script src="/x.js"></script><script>
	{ start() }
</script></html>`

func file(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func build() fstest.MapFS {
	return fstest.MapFS{
		".gitkeep":                      file(""),
		"200.html":                      file(shell),
		"200.html.br":                   file("shell in brotli"),
		"200.html.gz":                   file("shell in gzip"),
		"favicon.svg":                   file("<svg/>"),
		"_app/version.json":             file("{}"),
		"_app/immutable/app.AbC.js":     file(`x='<div id="svelte-announcer" aria-live="assertive" style="position: absolute; left: 0">'`),
		"_app/immutable/app.AbC.js.br":  file("app in brotli"),
		"_app/immutable/app.AbC.js.gz":  file("app in gzip, longer"),
		"_app/immutable/style.XyZ.css":  file("a{}"),
		"_app/immutable/font.Q.woff2":   file("font"),
		"_app/immutable/other.1.js":     file(`y="no announcer"`),
		"_app/immutable/other.1.js.gz":  file("other in gzip"),
		"site.webmanifest":              file("{}"),
		"_app/immutable/data.2.unknown": file("?"),
	}
}

func open(t *testing.T, files fs.FS) *web.Site {
	t.Helper()
	s, err := web.New(files)
	require.NoError(t, err)
	return s
}

func ask(s http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestSite(t *testing.T) {
	t.Parallel()
	const immutable = "public, max-age=31536000, immutable"
	s := open(t, build())
	for _, tc := range []struct {
		name, path, accept        string
		status                    int
		body, coding, kind, cache string
	}{
		{"the start page", "/", "", 200, shell, "", "text/html; charset=utf-8", "no-store"},
		{"a page of the app", "/join/supplier", "gzip, deflate, br, zstd", 200, "shell in brotli", "br", "text/html; charset=utf-8", "no-store"},
		{"an unknown page: the app says so itself", "/no/such/page", "gzip", 200, "shell in gzip", "gzip", "text/html; charset=utf-8", "no-store"},
		{"a mailed link", "/l/pT5vX0bq2rK9wZc7Lm4Yd8Ns1Hf6Gj3A-_", "", 200, shell, "", "text/html; charset=utf-8", "no-store"},
		{"the mailbox", "/_mail", "", 200, shell, "", "text/html; charset=utf-8", "no-store"},
		{"hashed code, brotli before gzip", "/_app/immutable/app.AbC.js", "gzip;q=1.0, br;q=0.1", 200, "app in brotli", "br", "text/javascript; charset=utf-8", immutable},
		{"gzip where brotli is refused", "/_app/immutable/app.AbC.js", "br;q=0, gzip", 200, "app in gzip, longer", "gzip", "text/javascript; charset=utf-8", immutable},
		{"gzip where there is no brotli", "/_app/immutable/other.1.js", "br, gzip", 200, "other in gzip", "gzip", "text/javascript; charset=utf-8", immutable},
		{"as it is for who says nothing", "/_app/immutable/style.XyZ.css", "", 200, "a{}", "", "text/css; charset=utf-8", immutable},
		{"as it is where there is nothing smaller", "/_app/immutable/font.Q.woff2", "br", 200, "font", "", "font/woff2", immutable},
		{"a name that only begins like a coding", "/_app/immutable/app.AbC.js", "brx, gzipped", 200, `x='<div id="svelte-announcer" aria-live="assertive" style="position: absolute; left: 0">'`, "", "text/javascript; charset=utf-8", immutable},
		{"what has no hash is asked for again", "/favicon.svg", "", 200, "<svg/>", "", "image/svg+xml", "no-cache"},
		{"the version", "/_app/version.json", "", 200, "{}", "", "application/json", "no-cache"},
		{"the manifest", "/site.webmanifest", "", 200, "{}", "", "application/manifest+json", "no-cache"},
		{"an unknown kind is not guessed", "/_app/immutable/data.2.unknown", "", 200, "?", "", "application/octet-stream", immutable},
		{"old code that is gone must not look like a page", "/_app/immutable/app.Old.js", "", 404, "Not found\n", "", "text/plain; charset=utf-8", "no-store"},
		{"a file that never was", "/robots.txt", "", 404, "Not found\n", "", "text/plain; charset=utf-8", "no-store"},
		{"compressed forms have no address", "/_app/immutable/app.AbC.js.br", "", 404, "Not found\n", "", "text/plain; charset=utf-8", "no-store"},
		{"the shell has no name", "/200.html", "", 404, "Not found\n", "", "text/plain; charset=utf-8", "no-store"},
		{"folders are not listed", "/_app/immutable/", "", 404, "Not found\n", "", "text/plain; charset=utf-8", "no-store"},
		{"what scanners look for", "/.git/config", "", 404, "Not found\n", "", "text/plain; charset=utf-8", "no-store"},
		{"hidden folders", "/.env", "", 404, "Not found\n", "", "text/plain; charset=utf-8", "no-store"},
		{"operations", "/debug/pprof/", "", 404, "Not found\n", "", "text/plain; charset=utf-8", "no-store"},
		{"a way up", "/_app/../200.html", "", 404, "Not found\n", "", "text/plain; charset=utf-8", "no-store"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := ask(s, "GET", tc.path, "Accept-Encoding: "+tc.accept)
			require.Equal(t, tc.status, w.Code)
			require.Equal(t, tc.body, w.Body.String())
			require.Equal(t, tc.coding, w.Header().Get("Content-Encoding"))
			require.Equal(t, tc.kind, w.Header().Get("Content-Type"))
			require.Equal(t, tc.cache, w.Header().Get("Cache-Control"))
			head := ask(s, "HEAD", tc.path, "Accept-Encoding: "+tc.accept)
			require.Equal(t, tc.status, head.Code)
			require.Empty(t, head.Body.String())
			require.Equal(t, w.Header(), head.Header(), "HEAD says what GET would")
			if tc.status != 200 {
				return
			}
			require.Equal(t, "Accept-Encoding", w.Header().Get("Vary"))
			tag := w.Header().Get("ETag")
			for _, match := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
				again := ask(s, "GET", tc.path, "Accept-Encoding: "+tc.accept, "If-None-Match: "+match)
				require.Equal(t, 304, again.Code, match)
				require.Empty(t, again.Body.String())
				require.Equal(t, tag, again.Header().Get("ETag"))
				require.Equal(t, tc.cache, again.Header().Get("Cache-Control"))
				require.Empty(t, again.Header().Get("Content-Length"))
			}
			require.Equal(t, 200, ask(s, "GET", tc.path, `If-None-Match: "x"`).Code)
		})
	}
}

func TestSite_formsHaveTheirOwnTags(t *testing.T) {
	t.Parallel()
	s, seen := open(t, build()), map[string]bool{}
	for _, accept := range []string{"", "gzip", "br"} {
		seen[ask(s, "GET", "/", "Accept-Encoding: "+accept).Header().Get("ETag")] = true
	}
	require.Len(t, seen, 3, "a cache must not take one for the other")
}

func TestSite_methods(t *testing.T) {
	t.Parallel()
	w := ask(open(t, build()), "POST", "/")
	require.Equal(t, 405, w.Code)
	require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
}

func TestSite_hashesForThePolicy(t *testing.T) {
	t.Parallel()
	s := open(t, build())
	// printf '\n\t{ start() }\n' | openssl dgst -sha256 -binary | base64
	require.Equal(t, []string{"sha256-TqWnE9qGu6WU1okw8buwH1Rz2ANB7+GbV4FmZkAgmmc="}, s.ScriptHashes())
	// printf 'position: absolute; left: 0' | openssl dgst -sha256 -binary | base64
	require.Equal(t, []string{"sha256-Tw6+ScIk2RZaueZbOcYpSYU2FEZ3jfhw2pkHd/ufz+I="}, s.StyleHashes())
}

func TestSite_notBuiltSaysHow(t *testing.T) {
	t.Parallel()
	s := open(t, fstest.MapFS{".gitkeep": file("")})
	require.False(t, s.Built())
	w := ask(s, "GET", "/join/supplier")
	require.Equal(t, 503, w.Code)
	require.Contains(t, w.Body.String(), "make build")
	require.Empty(t, s.ScriptHashes())
	require.Equal(t, 404, ask(s, "GET", "/favicon.ico").Code)
}

func TestOpen(t *testing.T) {
	t.Parallel()
	s, err := web.Open()
	require.NoError(t, err, "the binary carries a build, or at least its folder")
	if s.Built() {
		require.Len(t, s.ScriptHashes(), 1, "Kit's one inline script")
		require.Equal(t, 200, ask(s, "GET", "/").Code)
	}
}

// nowhere throws away what is written, so that the benchmark measures the site alone.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}
func (n nowhere) WriteString(s string) (int, error) {
	return io.WriteString(io.Discard, s)
}

func BenchmarkSite(b *testing.B) {
	files := build()
	files["_app/immutable/big.js"] = file(strings.Repeat("x", 100<<10))
	files["_app/immutable/big.js.br"] = file(strings.Repeat("x", 40<<10))
	s, err := web.New(files)
	require.NoError(b, err)
	r := httptest.NewRequest(http.MethodGet, "/_app/immutable/big.js", nil)
	r.Header.Set("Accept-Encoding", "gzip, deflate, br")
	b.ReportAllocs()
	for b.Loop() {
		s.ServeHTTP(nowhere{http.Header{}}, r)
	}
}
