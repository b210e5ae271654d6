package stack

import (
	"fmt"
	"os"
	"path/filepath"
)

// Root is the folder of the repository, that of go.work, above the one in which a test or a program of e2e runs. It
// panics where there is none.
func Root() string {
	here, err := os.Getwd()
	for folder := here; err == nil; folder = filepath.Dir(folder) {
		if _, none := os.Stat(filepath.Join(folder, "go.work")); none == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			break
		}
	}
	panic(fmt.Sprintf("no go.work above %q: run this in a folder of the repository", here))
}

// Binary is the server under test: VESTIBULE_BIN, else bin/vestibule.
func Binary() (string, error) {
	path := os.Getenv("VESTIBULE_BIN")
	if path == "" {
		path = filepath.Join(Root(), "bin", "vestibule")
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("no vestibule at %s: run `make build`, or set VESTIBULE_BIN", path)
	}
	return path, nil
}

// executable says whether path is a file one can run.
func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}
