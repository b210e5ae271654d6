package stack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// clusterOwner says as whom PostgreSQL runs: as ourselves, or, since it refuses root, as postgres or nobody, to whom
// folder is given.
func clusterOwner(folder string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(account.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(account.Gid, 10, 32)
		if errUID != nil || errGID != nil {
			continue
		}
		if err := os.Chown(folder, int(uid), int(gid)); err != nil {
			return nil, fmt.Errorf("give the cluster's folder to %s: %w", name, err)
		}
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: true}}, nil
	}
	return nil, errors.New("PostgreSQL refuses root, and there is neither postgres nor nobody to run it as")
}

// readableBy returns b if owner can run it, and else a copy below folder: a clone under /root is closed to others.
func readableBy(b binaries, owner *syscall.SysProcAttr, folder string) binaries {
	probe := exec.Command(b.postgres, "--version")
	probe.SysProcAttr, probe.Dir = owner, "/"
	if probe.Run() == nil || !strings.HasPrefix(b.from, "npm ") {
		return b
	}
	copied := filepath.Join(folder, "native")
	if exec.Command("cp", "-R", filepath.Dir(filepath.Dir(b.postgres)), copied).Run() != nil {
		return b
	}
	return binaries{filepath.Join(copied, "bin", "initdb"), filepath.Join(copied, "bin", "postgres"), b.from + " (copied)"}
}
