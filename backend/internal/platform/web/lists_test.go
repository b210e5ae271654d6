package web_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

func TestLimit(t *testing.T) {
	t.Parallel()
	for n, ok := range map[int]bool{1: true, 25: true, 100: true, 0: false, -1: false, 101: false, 1 << 40: false} {
		got, err := web.Limit(&n)
		require.Equal(t, ok, err == nil, n)
		if ok {
			require.Equal(t, n, got)
		} else {
			require.Equal(t, 400, web.Status(err))
		}
	}
	got, err := web.Limit(nil)
	require.NoError(t, err)
	require.Equal(t, 25, got)
}

func TestCursor(t *testing.T) {
	t.Parallel()
	type position struct {
		ID string `json:"id"`
		N  int    `json:"n"`
	}
	in := position{"req_1/ä", 7}
	text := web.EncodeCursor(in)
	require.NotContains(t, text, "/")
	require.NotContains(t, text, "=")
	var out position
	require.NoError(t, web.DecodeCursor(text, &out))
	require.Equal(t, in, out)

	for _, bad := range []string{"", "!", text + "A", text[:5], "bnVsbHg", strings.Repeat("A", 4000), web.EncodeCursor(map[string]any{"id": "x", "admin": true}), web.EncodeCursor(map[string]any{"id": 1}), text + "\n"} {
		err := web.DecodeCursor(bad, &out)
		require.Equal(t, 400, web.Status(err), "%q", bad)
	}
	require.Panics(t, func() { web.EncodeCursor(make(chan int)) })
}

func TestReadContract(t *testing.T) {
	t.Parallel()
	known, err := web.ReadContract([]byte(contract))
	require.NoError(t, err)
	require.Equal(t, web.Operation{ID: "getThing", Who: "public", Query: []string{"lang", "limit", "tag"}, Lists: []string{"tag"}}, known["GET /api/v1/things/:id"])
	require.Len(t, known, 3)
	_, err = web.ReadContract([]byte("paths: {/x: {get: {parameters: [{$ref: '#/components/parameters/none'}]}}}"))
	require.ErrorContains(t, err, "none")
	_, err = web.ReadContract([]byte("{"))
	require.Error(t, err)
}
