package dbtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A clone in root's home is closed to the user whom PostgreSQL runs as; the programs that npm brought lie in it.
func TestRunnable_InAFolderThatIsClosedToOthers(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "node_modules", "postgres", "native", "bin")
	require.NoError(t, os.MkdirAll(bin, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "postgres"), []byte("#!/bin/sh\nexit 0\n"), 0o700))
	require.NoError(t, os.Symlink("postgres", filepath.Join(bin, "initdb")), "the package is full of links")
	as, err := unprivileged(t.TempDir())
	require.NoError(t, err)

	found, copied, err := runnable(bin, as)
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(copied) })
	require.Equal(t, os.Geteuid() != 0, found == bin, "only root has somebody else run them")
	for _, name := range []string{"postgres", "initdb"} {
		program := exec.Command(filepath.Join(found, name))
		program.Dir, program.SysProcAttr = "/", as
		require.NoError(t, program.Run(), name)
	}
}
