package contract

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	c, err := Load(filepath.Join("..", "..", "backend", "api", "openapi.yaml"))
	require.NoError(t, err)
	json, problem := "application/json", "application/problem+json"
	for _, tc := range []struct {
		name   string
		path   string
		status int
		kind   string
		body   string
		ok     bool
	}{
		{"a good answer", "/api/v1/signups/current", 200, json, `{"signup":null}`, true},
		{"a literal path beats a parameter", "/api/v1/signups/current?flow=x", 200, json,
			`{"signup":{"id":"sgn_1","flow":"x","flowVersion":1,"step":"identity","expiresAt":"2026-11-19T14:06:00Z"}}`, true},
		{"a property is missing", "/api/v1/signups/current", 200, json, `{}`, false},
		{"a property is unknown", "/api/v1/signups/current", 200, json, `{"signup":null,"more":1}`, false},
		{"a nested property is unknown", "/api/v1/me", 200, json,
			`{"id":"u","kind":"guest","name":"n","email":"e","roles":[],"rights":[],"passwordHash":"x"}`, false},
		{"a value is not of the list", "/api/v1/me", 200, json, `{"id":"u","kind":"root","name":"n","email":"e","roles":[],"rights":[]}`, false},
		{"a status that was not promised", "/api/v1/me", 201, json, `{}`, false},
		{"another content type", "/api/v1/me", 200, "text/html", `<p>`, false},
		{"a problem", "/api/v1/me", 401, problem,
			`{"type":"about:blank","title":"t","status":401,"code":"signin_needed","detail":"d","requestId":"rid_1"}`, true},
		{"a problem whose status lies", "/api/v1/me", 401, problem,
			`{"type":"about:blank","title":"t","status":403,"code":"signin_needed","detail":"d","requestId":"rid_1"}`, false},
		{"a no that is no problem", "/api/v1/me", 404, json, `{}`, false},
		{"outside the contract the house only says no, as a problem", "/api/v1/nothing", 200, json, `{}`, false},
		{"pages are no matter of the contract", "/join/supplier", 200, "text/html", `<p>`, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := c.Check(Answer{Method: "GET", Path: tc.path, Status: tc.status, Body: []byte(tc.body),
				Header: http.Header{"Content-Type": {tc.kind}, "Request-Id": {"rid_1"}}})
			require.Equal(t, tc.ok, err == nil, "%v", err)
		})
	}
}
