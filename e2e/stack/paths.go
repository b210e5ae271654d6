package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Root is the folder of the repository, found from this source file: tests run in their package's folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
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
