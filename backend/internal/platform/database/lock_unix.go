//go:build unix

package database

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// lockFile takes the lock at path for the life of the process; a crash lets it go. A second process would not corrupt
// the file, but it would count limits, hold jobs and cache flows on its own.
func lockFile(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the database: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another vestibule has %s open: stop it first, or use PostgreSQL to run several", strings.TrimSuffix(path, ".lock"))
		}
		return nil, fmt.Errorf("lock the database: %w", err)
	}
	return f.Close, nil
}
