package strangers

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/stack"
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

// Row T104: who steals the database, or a backup of it, holds no link, no code, no cookie and no key.
func TestT104_AThiefOfTheDatabaseHoldsNoSecret(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, code, link := tn.WaitsForProof(t, "maria")
		lukas := tn.Guest(t, "lukas")
		lukas.SignsIn().Is(http.StatusOK)
		asked := tn.Visitor(t, "asked").Asks(story.Partner, story.Answered())
		decide := decideToken.FindStringSubmatch(tn.LetterAbout(t, story.Jonas, asked.Ref).Text)
		require.Len(t, decide, 2)
		key, err := tn.Plan.Run(t.Context(), "apikey", "create", "--name", "thief", "--scopes", "guests:read")
		require.NoError(t, err)
		key = story.Seen(strings.TrimSpace(key))
		secrets := map[string]string{
			"link": link, "decide link": decide[1], "unproved sign-up": maria.Cookie("vestibule_signup"), "proved sign-up": lukas.Cookie("vestibule_signup"),
			"session": lukas.Cookie("vestibule_session"), "device": lukas.Cookie("vestibule_device"), "key": key,
			"secret of the key": strings.TrimPrefix(key, "vst_"), "house's key": stack.SecretKey,
		}
		stolen := everything(t, tn)
		require.Contains(t, string(stolen), maria.Signup, "the dump is one of this house")
		holdsNone(t, "the database", stolen, code, secrets)
		backup := backupOf(t, tn.Plan)
		require.Contains(t, string(backup), asked.Ref, "the backup is one of this house")
		holdsNone(t, "the backup", backup, code, secrets)
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started"}})
	})
}

// Row T104: nor the link by which a house is taken.
func TestT104_ASetUpLinkIsNotInTheDatabase(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		plan, err := story.NewPlan(t.Context(), kind, story.World.Mail)
		require.NoError(t, err)
		said, err := plan.Run(t.Context(), "setup-link")
		require.NoError(t, err)
		found := setupLink.FindStringSubmatch(said)
		require.Len(t, found, 2, said)
		eyes, err := plan.Eyes()
		require.NoError(t, err)
		defer eyes.Close()
		n, err := eyes.Count(t.Context(), "SELECT count(*) FROM identity_setup")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		secrets := map[string]string{"set-up link": found[1]}
		holdsNone(t, "the database", everything(t, &story.Town{Name: kind, Plan: plan, Eyes: eyes}), "", secrets)
		holdsNone(t, "the backup", backupOf(t, plan), "", secrets)
	})
}

// holdsNone looks for secrets in what was stolen, also in other spellings; a code only where it stands by itself, for six
// digits are in every time of day.
func holdsNone(t *testing.T, what string, stolen []byte, code string, secrets map[string]string) {
	t.Helper()
	for name, secret := range secrets {
		require.GreaterOrEqual(t, len(secret), 32, name)
		raw, _ := base64.RawURLEncoding.DecodeString(strings.TrimRight(secret, "="))
		forms := []string{secret, hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret))}
		if len(raw) >= 24 {
			forms = append(forms, string(raw), hex.EncodeToString(raw))
		}
		for _, form := range forms {
			require.False(t, bytes.Contains(stolen, []byte(form)), "%s holds the %s", what, name)
		}
	}
	if code != "" {
		require.False(t, regexp.MustCompile(`(^|[^0-9A-Za-z.])`+code+`([^0-9A-Za-z]|$)`).Match(stolen), "%s holds the code", what)
	}
}

// backupOf is what is in a backup, unpacked.
func backupOf(t *testing.T, plan stack.Plan) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "house.backup")
	_, err := plan.Run(t.Context(), "backup", "create", "--out", file)
	require.NoError(t, err)
	packed, err := os.ReadFile(file)
	require.NoError(t, err)
	all := slices.Clone(packed)
	for i := 0; i+2 < len(packed); i++ { // gzip members, wherever they begin
		if packed[i] != 0x1f || packed[i+1] != 0x8b || packed[i+2] != 8 {
			continue
		}
		zip, err := gzip.NewReader(bytes.NewReader(packed[i:]))
		if err != nil {
			continue
		}
		zip.Multistream(false)
		text, err := io.ReadAll(zip)
		if err == nil {
			all = append(all, text...)
		}
	}
	require.NotEmpty(t, all)
	return all
}

// Row T105: what happened stays written, in full, in its order; not even the house's own account of the database may
// change it or take it away.
func TestT105_WhatHappenedStaysWritten(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id, sponsor := tn.RequestID(t, maria.Ref), tn.Member(t, story.Jonas)
		sponsor.Post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "Which hall?"}).Is(http.StatusOK)
		maria.Post("/api/v1/requests/"+maria.Ref+"/reply", map[string]any{"text": "Hall 4."}).Is(http.StatusOK)
		sponsor.Decides(id, "approve", nil).Is(http.StatusOK)
		told := []string{"approval.asked", "approval.answered", "approval.approved"}
		require.Equal(t, told, tn.Audit(t, id))
		for _, table := range []string{"audit_events", "audit_seals"} {
			for _, change := range []string{"UPDATE " + table + " SET " + map[string]string{"audit_events": "actor_name = 'nobody'", "audit_seals": "events = 0"}[table], "DELETE FROM " + table} {
				require.ErrorContains(t, tn.Eyes.Break(t.Context(), change), "append-only", change)
			}
		}
		require.Equal(t, told, tn.Audit(t, id))
		require.Equal(t, 2, tn.Count(t, "SELECT count(*) FROM audit_events WHERE target = ? AND actor_kind = 'member' AND actor_name = 'Jonas Becker'", id), "who asked and approved is named")
		maria.Leaves(story.Left{
			Traces: story.Traces{Requests: 1, Decisions: 1, Messages: 2, Guests: 1, Grants: 1, Mails: 4, Codes: 1, States: "active"},
			Audit:  []string{"signup.started", "signup.proved", "signup.submitted", "approval.asked", "approval.answered", "approval.approved", "directory.guest_admitted", "directory.grant_added"},
		})
	})
}

// Row T105: who takes the lock off the table and changes one word, or takes one event away, is found out by the command
// that an operator runs, and it says where.
func TestT105_ATamperedEventIsNamed(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		plan, err := story.NewPlan(t.Context(), kind, story.World.Mail)
		require.NoError(t, err)
		_, err = plan.Run(t.Context(), "demo") // half a year of events, under seals
		require.NoError(t, err)
		said, err := plan.Run(t.Context(), "audit", "verify")
		require.NoError(t, err, said)
		eyes, err := plan.Eyes()
		require.NoError(t, err)
		defer eyes.Close()
		seals, err := eyes.Strings(t.Context(), "SELECT last_id FROM audit_seals ORDER BY number")
		require.NoError(t, err)
		require.Greater(t, len(seals), 5)
		unlock := []string{"ALTER TABLE audit_events DISABLE TRIGGER USER"}
		if kind == "sqlite" {
			unlock = []string{"DROP TRIGGER audit_events_no_update", "DROP TRIGGER audit_events_no_delete"}
		}
		require.NoError(t, eyes.Break(t.Context(), unlock...))
		require.NoError(t, eyes.Break(t.Context(), "UPDATE audit_events SET actor_name = 'Nobody' WHERE id = '"+seals[2]+"'"))
		said, err = plan.Run(t.Context(), "audit", "verify")
		require.ErrorContains(t, err, "exit status 1")
		require.Contains(t, said, "Seal 3 (", "%s", said)
		require.Contains(t, said, "an event or a seal is not what it was")
		require.NoError(t, eyes.Break(t.Context(), "DELETE FROM audit_events WHERE id = '"+seals[4]+"'"))
		said, err = plan.Run(t.Context(), "audit", "verify", "--json")
		require.ErrorContains(t, err, "exit status 1")
		var verdict struct {
			Breaks []struct{ Number, Sealed, Found int }
		}
		require.NoError(t, json.Unmarshal([]byte(said), &verdict), said)
		require.Len(t, verdict.Breaks, 2, said)
		require.Equal(t, 3, verdict.Breaks[0].Number)
		require.Equal(t, verdict.Breaks[0].Sealed, verdict.Breaks[0].Found)
		require.Equal(t, 5, verdict.Breaks[1].Number)
		require.Equal(t, verdict.Breaks[1].Sealed-1, verdict.Breaks[1].Found)
	})
}
