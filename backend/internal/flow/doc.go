// Package flow holds how one kind of partner signs up: what is asked, under which terms, who decides, what is granted.
//
// A flow is known by its slug and has numbered versions. A version is immutable: a sign-up that began on it ends on it,
// whatever is published meanwhile. Flows are written as YAML (docs/flows.md is the reference, docs/flow.schema.json its
// schema), applied with Apply, and printed again by Export, in one canonical form: export, apply, export is the same
// bytes. Whether a flow is open is read from its newest version, so that closing it takes effect on running sign-ups.
//
//   - definition.go, text.go: what a flow says · read.go, decode.go, keys.go: reading YAML, all mistakes at once, with line and column ·
//     inspect*.go: what must hold beyond the form · print.go, diff.go: the canonical form, and what changed
//   - when.go, check.go, value.go, words.go: the engine. It is pure; testdata/check_vectors.json holds it and the
//     browser's engine to one set of rules
//   - service.go, apply.go, store.go: versions in the database · shown.go, answered.go, http.go: what people get to see
//
// Routes: GET /api/v1/flows, /api/v1/flows/{slug}, /api/v1/flows/{slug}/source. Events: flow.published,
// flow.closed.
//
// Neighbours: directory (titles of what is granted, through Catalogue), audit; signup and approval read versions.
// Norms: RFC 6901 (pointers), RFC 5646 (language tags), ISO 3166-1 (countries), E.164 (telephone numbers), UAX #15 (NFC).
package flow
