package web

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed all:dist
var dist embed.FS

// shellNames are the files that may be the app's one page, the first one found.
var shellNames = []string{"200.html", "index.html"}

// Site serves one build. It is safe for concurrent use.
type Site struct {
	files           fs.FS
	assets          map[string]*asset // by request path
	shell           *asset            // nil when the app was not built
	scripts, styles []string
}

// asset is one file with the forms it can be sent in, the smallest first.
type asset struct {
	contentType, cacheControl, vary []string
	forms                           []form
}

// form is one way to send a file.
type form struct {
	name           string // in the file system
	coding         string // br, gzip, or "" for as it is
	tag            string
	header, length []string // Content-Encoding, Content-Length
	etag           []string
}

// Open returns the site inside the binary.
func Open() (*Site, error) {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("open the built app: %w", err)
	}
	return New(sub)
}

// New reads a build. A folder without a shell is a build that has not happened: the site then says how to make one.
func New(files fs.FS) (*Site, error) {
	s := &Site{files: files, assets: map[string]*asset{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") || isForm(name) {
			return err
		}
		return s.add(name)
	})
	if err != nil {
		return nil, fmt.Errorf("read the built app: %w", err)
	}
	for _, name := range shellNames {
		if a := s.assets["/"+name]; a != nil && s.shell == nil {
			s.shell = a
		}
		delete(s.assets, "/"+name)
	}
	return s, nil
}

// Built says whether there is an app to serve.
func (s *Site) Built() bool { return s.shell != nil }

// ScriptHashes are the CSP sources of the shell's inline scripts.
func (s *Site) ScriptHashes() []string { return slices.Clone(s.scripts) }

// StyleHashes are the CSP sources of the style attributes that the app's framework writes.
func (s *Site) StyleHashes() []string { return slices.Clone(s.styles) }

func isForm(name string) bool {
	return strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz")
}

var (
	inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	// SvelteKit's announcer for screen readers is hidden by a style attribute that cannot be configured away.
	announcer = regexp.MustCompile(`id="svelte-announcer"[^>]* style="([^"]*)"`)
)

// add reads one file and looks for its compressed forms.
func (s *Site) add(name string) error {
	content, err := fs.ReadFile(s.files, name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	switch {
	case slices.Contains(shellNames, name):
		for _, found := range inlineScript.FindAllSubmatch(content, -1) {
			s.scripts = append(s.scripts, source(found[1]))
		}
	case path.Ext(name) == ".js":
		for _, found := range announcer.FindAllSubmatch(content, -1) {
			if hash := source(found[1]); !slices.Contains(s.styles, hash) {
				s.styles = append(s.styles, hash)
			}
		}
	}
	sum := sha256.Sum256(content)
	tag := hex.EncodeToString(sum[:12])
	a := &asset{contentType: []string{typeOf(name)}, cacheControl: []string{cacheOf(name)}, vary: []string{"Accept-Encoding"}}
	for _, c := range []struct{ coding, suffix string }{{"br", ".br"}, {"gzip", ".gz"}, {"", ""}} {
		info, err := fs.Stat(s.files, name+c.suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look at %s: %w", name+c.suffix, err)
		}
		f := form{name: name + c.suffix, coding: c.coding, tag: `"` + tag + strings.ReplaceAll(c.suffix, ".", "-") + `"`}
		f.etag, f.length = []string{f.tag}, []string{strconv.FormatInt(info.Size(), 10)}
		if c.coding != "" {
			f.header = []string{c.coding}
		}
		a.forms = append(a.forms, f)
	}
	s.assets["/"+name] = a
	return nil
}

// source is a CSP hash source, without its quotes.
func source(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// ServeHTTP answers GET and HEAD.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		plain(w, r, http.StatusMethodNotAllowed, "text/plain; charset=utf-8", "Method not allowed\n")
		return
	}
	a := s.assets[r.URL.Path]
	switch {
	case a != nil:
	case looksLikeFile(r.URL.Path):
		plain(w, r, http.StatusNotFound, "text/plain; charset=utf-8", "Not found\n")
		return
	case s.shell == nil:
		plain(w, r, http.StatusServiceUnavailable, "text/html; charset=utf-8", notBuilt)
		return
	default:
		a = s.shell
	}
	s.send(w, r, a)
}

// send picks the smallest form that the browser takes and copies it, or says that it has not changed.
func (s *Site) send(w http.ResponseWriter, r *http.Request, a *asset) {
	f := a.pick(r.Header["Accept-Encoding"])
	h := w.Header()
	h["Cache-Control"], h["Vary"], h["Etag"] = a.cacheControl, a.vary, f.etag
	if unchanged(r.Header["If-None-Match"], f.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"], h["Content-Length"] = a.contentType, f.length
	if strings.HasPrefix(f.name, logos) { // they stand in mails, which other sites and sandboxed frames show
		h["Cross-Origin-Resource-Policy"] = []string{"cross-origin"}
	}
	if f.header != nil {
		h["Content-Encoding"] = f.header
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return
	}
	file, err := s.files.Open(f.name)
	if err != nil { // the files are part of the binary
		delete(h, "Content-Length")
		delete(h, "Content-Encoding")
		plain(w, r, http.StatusInternalServerError, "text/plain; charset=utf-8", "Internal error\n")
		return
	}
	defer file.Close()
	w.WriteHeader(http.StatusOK)
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	_, _ = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{file}, *buffer) // a reader who left needs no answer
}

// logos are the files that mails show.
const logos = "assets/orgs/"

// buffers are lent to copying; without them every answer would allocate one.
var buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

func (a *asset) pick(accept []string) *form {
	for i := range a.forms {
		if f := &a.forms[i]; f.coding == "" || accepts(accept, f.coding) {
			return f
		}
	}
	return &a.forms[len(a.forms)-1]
}

// accepts reads Accept-Encoding (RFC 9110 §12.5.3): coding is named there, and not with a weight of zero.
func accepts(headers []string, coding string) bool {
	for _, header := range headers {
		for part := range strings.SplitSeq(header, ",") {
			name, params, _ := strings.Cut(part, ";")
			if !strings.EqualFold(strings.TrimSpace(name), coding) {
				continue
			}
			weight, found := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(params), " ", ""), "q=")
			return !found || strings.Trim(weight, "0.") != ""
		}
	}
	return false
}

// unchanged compares If-None-Match weakly, as RFC 9110 §13.1.2 asks.
func unchanged(headers []string, tag string) bool {
	for _, header := range headers {
		for part := range strings.SplitSeq(header, ",") {
			part = strings.TrimSpace(part)
			if part == "*" || strings.TrimPrefix(part, "W/") == tag {
				return true
			}
		}
	}
	return false
}

func plain(w http.ResponseWriter, r *http.Request, status int, contentType, text string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, text)
	}
}
