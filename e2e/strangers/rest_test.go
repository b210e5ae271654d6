package strangers

import (
	"bytes"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// everything is all that a thief of the database has: the bytes of SQLite's files, or every row of every table.
func everything(t *testing.T, tn *story.Town) []byte {
	t.Helper()
	var all bytes.Buffer
	if tn.Name == "sqlite" {
		files, err := filepath.Glob(filepath.Join(tn.Plan.Folder, "*.db*"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		slices.Reverse(files) // what is in the log beside the file moves into the file, never back: read it first
		for _, file := range files {
			read, err := os.ReadFile(file)
			require.NoError(t, err)
			all.Write(read)
		}
		return all.Bytes()
	}
	tables, err := tn.Eyes.Strings(t.Context(), "SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'")
	require.NoError(t, err)
	require.Greater(t, len(tables), 20)
	for _, table := range tables {
		rows, err := tn.Eyes.Strings(t.Context(), "SELECT x::text FROM "+table+" x")
		require.NoError(t, err)
		all.WriteString(strings.Join(rows, "\n"))
	}
	return all.Bytes()
}

// Row T104: who steals the database holds no link, no cookie, no key and no sign-up's token.
func TestT104_AThiefOfTheDatabaseHoldsNoSecret(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, _, link := tn.WaitsForProof(t, "maria")
		unproved := maria.Cookie("vestibule_signup")
		lukas := tn.Guest(t, "lukas")
		lukas.SignsIn().Is(http.StatusOK)
		secrets := map[string]string{
			"link": link, "unproved sign-up": unproved, "proved sign-up": lukas.Cookie("vestibule_signup"), "session": lukas.Cookie("vestibule_session"),
			"device": lukas.Cookie("vestibule_device"),
		}
		stolen := everything(t, tn)
		require.Contains(t, string(stolen), maria.Signup, "the dump is one of this house")
		for what, secret := range secrets {
			require.GreaterOrEqual(t, len(secret), 32, what)
			for _, form := range []string{secret, hex.EncodeToString([]byte(secret))} {
				require.False(t, bytes.Contains(stolen, []byte(form)), "the database holds the %s", what)
			}
		}
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started"}})
	})
}

// Row T105: what happened stays written, in full, in its order; not even the house's own account of the database may
// change it.
func TestT105_WhatHappenedStaysWritten(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id, sponsor := tn.RequestID(t, maria.Ref), tn.Member(t, story.Jonas)
		sponsor.Post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "Which hall?"}).Is(http.StatusOK)
		maria.Post("/api/v1/requests/"+maria.Ref+"/reply", map[string]any{"text": "Hall 4."}).Is(http.StatusOK)
		sponsor.Decides(id, "approve", nil).Is(http.StatusOK)
		told := []string{"approval.asked", "approval.answered", "approval.approved"}
		require.Equal(t, told, tn.Audit(t, id))
		require.ErrorContains(t, tn.Eyes.Age(t.Context(), "audit_events", "at", 60, "target = ?", id), "append-only")
		require.Equal(t, told, tn.Audit(t, id))
		require.Equal(t, 2, tn.Count(t, "SELECT count(*) FROM audit_events WHERE target = ? AND actor_kind = 'member' AND actor_name = 'Jonas Becker'", id), "who asked and approved is named")
		maria.Leaves(story.Left{
			Traces: story.Traces{Requests: 1, Decisions: 1, Messages: 2, Guests: 1, Grants: 1, Mails: 4, Codes: 1, States: "active"},
			Audit:  []string{"signup.started", "signup.proved", "signup.submitted", "approval.asked", "approval.answered", "approval.approved", "directory.guest_admitted", "directory.grant_added"},
		})
	})
}
