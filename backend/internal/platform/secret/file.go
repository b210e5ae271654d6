package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// FileName is the master key's file inside the data folder.
const FileName = "secret.key"

// LoadOrCreate returns the keys of the data folder's secret.key. If there is none, it makes the folder (0700) and the
// file (0600) with what token returns; when several processes start at once, the first one's key counts for all.
//
// It refuses a file that others may read, and with [ErrKeyShort] or [ErrKeySample] one whose content will not do.
func LoadOrCreate(dataDir string, token func() string) (Keys, error) {
	path := filepath.Join(dataDir, FileName)
	keys, err := Load(dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = createKey(path, token()); err == nil || errors.Is(err, fs.ErrExist) {
			keys, err = Load(dataDir)
		}
	}
	return keys, err
}

// Load returns the keys of the data folder's secret.key and makes none: fs.ErrNotExist if it is not there, and what
// LoadOrCreate refuses.
func Load(dataDir string) (Keys, error) {
	path := filepath.Join(dataDir, FileName)
	master, err := readKey(path)
	if err != nil {
		return Keys{}, err
	}
	keys, err := NewKeys(master)
	if err != nil {
		return Keys{}, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

func readKey(path string) (String, error) {
	info, err := os.Stat(path)
	if err != nil {
		return String{}, fmt.Errorf("look for the secret key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return String{}, fmt.Errorf("%s may be read by other users (%04o); run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return String{}, fmt.Errorf("read the secret key: %w", err)
	}
	return New(string(raw)), nil
}

// createKey writes the file aside and links it into place: a reader sees the whole key or none, and an existing key
// is never replaced (the error is then fs.ErrExist).
func createKey(path, text string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	tmp, err := os.CreateTemp(dir, FileName+".*") // 0600
	if err != nil {
		return fmt.Errorf("make the secret key: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(text + "\n")
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Link(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("make the secret key: %w", err)
	}
	return syncDir(dir)
}

// syncDir makes the new name last through a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("make the secret key: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("make the secret key: %w", err)
	}
	return nil
}
