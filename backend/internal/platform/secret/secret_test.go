package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

const good = "pT5vX0bq2rK9wZc7Lm4Yd8Ns1Hf6Gj3A"

// holder keeps a secret in an unexported field, where printers reach it by reflection only.
type holder struct {
	inner secret.String
	Outer secret.String
}

func TestString_printsDotsEverywhere(t *testing.T) {
	t.Parallel()
	s := secret.New(good)
	var slogged bytes.Buffer
	slog.New(slog.NewJSONHandler(&slogged, nil)).Info("x", "s", s, "h", holder{s, s})
	asJSON, err := json.Marshal(map[string]any{"s": s, "h": holder{s, s}})
	require.NoError(t, err)
	asYAML, err := yaml.Marshal(map[string]any{"s": s, "h": holder{s, s}})
	require.NoError(t, err)
	seen := []string{slogged.String(), string(asJSON), string(asYAML), s.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		seen = append(seen, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, holder{s, s}), fmt.Sprintf(verb, []any{s}))
	}
	for _, text := range seen {
		require.NotContains(t, text, good)
		require.NotContains(t, text, fmt.Sprintf("%x", good))
	}
	require.Equal(t, "••••", fmt.Sprint(s))
	require.Contains(t, string(asJSON), `"s":"••••"`)
	require.Contains(t, string(asYAML), "••••")
	require.Contains(t, slogged.String(), `"s":"••••"`)
	require.Empty(t, fmt.Sprint(secret.String{}), "an unset secret shows that it is unset")
}

func TestString_Equal(t *testing.T) {
	t.Parallel()
	require.True(t, secret.New("a").Equal(secret.New("a")))
	require.False(t, secret.New("a").Equal(secret.New("b")))
	require.False(t, secret.New("a").Equal(secret.String{}))
	var read secret.String
	require.NoError(t, read.UnmarshalText([]byte("a")))
	require.Equal(t, "a", read.Reveal())
}

func TestNewKeys_refuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, key string
		want      error
	}{
		{"nothing", "", secret.ErrKeyShort},
		{"31 characters", good[:31], secret.ErrKeyShort},
		{"long only by white space", "  " + good[:30] + "\n\n", secret.ErrKeyShort},
		{"a sample", "changeme-changeme-changeme-changeme", secret.ErrKeySample},
		{"the README's sample", "replace-me-with-openssl-rand-base64-32", secret.ErrKeySample},
		{"one character over and over", strings.Repeat("a", 64), secret.ErrKeySample},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := secret.NewKeys(secret.New(tc.key))
			require.ErrorIs(t, err, tc.want)
		})
	}
}

func TestKeys_Derive(t *testing.T) {
	t.Parallel()
	a, err := secret.NewKeys(secret.New(good))
	require.NoError(t, err)
	b, err := secret.NewKeys(secret.New(good + "\n"))
	require.NoError(t, err)
	other, err := secret.NewKeys(secret.New(strings.ToLower(good)))
	require.NoError(t, err)
	require.Len(t, a.Derive("x"), 32)
	require.Equal(t, a.Derive("x"), b.Derive("x"), "the line break of a file does not count")
	require.NotEqual(t, a.Derive("x"), a.Derive("y"))
	require.NotEqual(t, a.Derive("x"), other.Derive("x"))
	require.Equal(t, "e1797f35", fmt.Sprintf("%x", a.Derive("pinned"))[:8], "another derivation would unseal nothing stored before")
	require.Panics(t, func() { a.Derive("") })
	require.Panics(t, func() { secret.Keys{}.Derive("x") })
}

func TestLoadOrCreate_makesOneKeyForManyStarters(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "data")
	var wg sync.WaitGroup
	derived := make([]string, 16)
	for i := range derived {
		wg.Go(func() {
			keys, err := secret.LoadOrCreate(dir, func() string { return good + fmt.Sprint(i) })
			if err == nil {
				derived[i] = string(keys.Derive("x"))
			}
		})
	}
	wg.Wait()
	for _, d := range derived {
		require.NotEmpty(t, d)
		require.Equal(t, derived[0], d)
	}
	info, err := os.Stat(filepath.Join(dir, secret.FileName))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, names, 1, "nothing is left over")
}

func TestLoadOrCreate_refuses(t *testing.T) {
	t.Parallel()
	write := func(t *testing.T, text string, mode os.FileMode) string {
		t.Helper()
		dir := t.TempDir()
		path := filepath.Join(dir, secret.FileName)
		require.NoError(t, os.WriteFile(path, []byte(text), mode))
		require.NoError(t, os.Chmod(path, mode))
		return dir
	}
	never := func() string { t.Error("an existing key must not be replaced"); return "" }
	_, err := secret.LoadOrCreate(write(t, good, 0o644), never)
	require.ErrorContains(t, err, "chmod 600")
	_, err = secret.LoadOrCreate(write(t, "short", 0o600), never)
	require.ErrorIs(t, err, secret.ErrKeyShort)
	_, err = secret.LoadOrCreate(write(t, "", 0o600), never)
	require.ErrorIs(t, err, secret.ErrKeyShort, "an empty file is a mistake to report, not an invitation to start anew")
}

func TestBox(t *testing.T) {
	t.Parallel()
	keys, err := secret.NewKeys(secret.New(good))
	require.NoError(t, err)
	box := keys.Box("connector.credential")
	sealed := box.Seal([]byte("hunter2"), []byte("con_1"))
	require.NotContains(t, string(sealed), "hunter2")
	require.NotEqual(t, sealed, box.Seal([]byte("hunter2"), []byte("con_1")), "the nonce is fresh")
	plain, err := box.Open(sealed, []byte("con_1"))
	require.NoError(t, err)
	require.Equal(t, "hunter2", string(plain))

	for i := range sealed {
		for bit := range 8 {
			bent := bytes.Clone(sealed)
			bent[i] ^= 1 << bit
			_, err := box.Open(bent, []byte("con_1"))
			require.ErrorIs(t, err, secret.ErrSealed, "byte %d bit %d", i, bit)
		}
	}
	_, err = box.Open(sealed, []byte("con_2"))
	require.ErrorIs(t, err, secret.ErrSealed, "moved to another row")
	_, err = keys.Box("other").Open(sealed, []byte("con_1"))
	require.ErrorIs(t, err, secret.ErrSealed, "another purpose")
	for _, n := range []int{0, 1, 5, 28} {
		_, err = box.Open(sealed[:n], []byte("con_1"))
		require.ErrorIs(t, err, secret.ErrSealed)
	}
}
