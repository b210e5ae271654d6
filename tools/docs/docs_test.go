// Package docs holds what is written about the house to the house: links lead somewhere, tests that are named exist,
// settings that are named are settings. It has no code of its own.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

const root = "../.."

// skipped are folders that are not ours or not written by hand.
var skipped = map[string]bool{".git": true, "node_modules": true, ".svelte-kit": true, "dist": true, "bin": true, "data": true, "test-results": true}

// files reads every file of the repository whose name ends with one of ends.
func files(t *testing.T, ends ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skipped[d.Name()] {
				return fs.SkipDir
			}
			return nil
		}
		for _, end := range ends {
			if strings.HasSuffix(path, end) {
				text, err := os.ReadFile(path)
				found[path] = string(text)
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var (
	fence   = regexp.MustCompile("(?ms)^```.*?^```$")
	link    = regexp.MustCompile(`(?:\]\(|<img src=")([^)\s"]+)[)"]`)
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+)$`)
)

func TestLinks_leadSomewhere(t *testing.T) {
	t.Parallel()
	pages := files(t, ".md")
	for page, text := range pages {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			where := page
			if target != "" {
				where = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(where); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
				continue
			}
			if anchor != "" && strings.HasSuffix(where, ".md") && !anchors(pages[where])[anchor] {
				t.Errorf("%s links to %s; no heading of that page makes #%s", page, m[1], anchor)
			}
		}
	}
}

// anchors are those that GitHub makes of headings.
func anchors(text string) map[string]bool {
	made := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		var slug strings.Builder
		for _, r := range strings.ToLower(m[1]) {
			switch {
			case r == ' ':
				slug.WriteByte('-')
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				slug.WriteRune(r)
			}
		}
		made[slug.String()] = true
	}
	return made
}

var (
	named   = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]*_?[A-Za-z0-9_]*)`")
	defined = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
)

func TestTests_thatDocsNameExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, text := range files(t, "_test.go") {
		for _, m := range defined.FindAllStringSubmatch(text, -1) {
			known[m[1]] = true
		}
	}
	for page, text := range files(t, ".md") {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if m[1] != "TestT" && !known[m[1]] {
				t.Errorf("%s says that %s holds something; there is no such test", page, m[1])
			}
		}
	}
}

var (
	setting = regexp.MustCompile(`VESTIBULE_[A-Z_]*[A-Z]`)
	tag     = regexp.MustCompile(`env:"(VESTIBULE_[A-Z_]+)"`)
)

// forTests are read by our own tests, by the pages' development server, and by their build for tests.
var forTests = map[string]bool{"VESTIBULE_API": true, "VESTIBULE_BIN": true, "VESTIBULE_PSEUDO": true}

func TestSettings_thatDocsNameExist(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(root + "/backend/internal/platform/config/config.go")
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, m := range tag.FindAllStringSubmatch(string(source), -1) {
		known = append(known, m[1])
	}
	for page, text := range files(t, ".md", "deploy/vestibule.service", "Caddyfile", "nginx.conf", "traefik.yml", "configmap.yaml", "deployment.yaml", "docker-compose.yml") {
		for _, name := range setting.FindAllString(text, -1) {
			if !isSetting(name, known) {
				t.Errorf("%s names %s, which is no setting", page, name)
			}
		}
	}
}

func isSetting(name string, known []string) bool {
	if forTests[name] || strings.HasPrefix(name, "VESTIBULE_TEST_") || name == "VESTIBULE_ADRR" {
		return true // the last one is an example of a typing error
	}
	for _, k := range known {
		// "VESTIBULE_SMTP_…" stands for all that begin so.
		if name == k || strings.TrimSuffix(name, "_FILE") == k || strings.HasPrefix(k, name+"_") {
			return true
		}
	}
	return false
}

var call = regexp.MustCompile(`/api/v1(/[a-zA-Z{}/]+)`)

// TestCalls_thatDocsNameExist reads written-out calls; examples with an id in place of {id} write it in capitals.
func TestCalls_thatDocsNameExist(t *testing.T) {
	t.Parallel()
	contract, err := os.ReadFile(root + "/backend/api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	inBraces := regexp.MustCompile(`\{[^}]*\}|\bID\b`)
	plain := func(s string) string { return strings.TrimSuffix(inBraces.ReplaceAllString(s, "*"), "/") }
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^  (/api/v1/\S+):$`).FindAllStringSubmatch(string(contract), -1) {
		known[plain(m[1])] = true
	}
	for page, text := range files(t, ".md") {
		for _, m := range call.FindAllString(text, -1) {
			path := plain(m)
			if !known[path] && !known[path+"/*"] {
				t.Errorf("%s names %s, which the contract does not know", page, m)
			}
		}
	}
}
