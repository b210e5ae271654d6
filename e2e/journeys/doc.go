// Package journeys tells the product's stories from outside: over HTTP and SMTP, against the real binary, on SQLite and
// on PostgreSQL (there with two replicas). Each story is one test; `each` runs it once per house.
//
// A story seeds through public doors only (`vestibule demo`, `vestibule flow apply`, the API), uses addresses of its
// own, and asserts what happened and that nothing else did. Every answer is held against the contract. When all stories
// are told, the invariants are asked of both databases and no log may hold a secret.
//
// Names of tests that begin with T and two or three digits are rows of docs/security.md.
//
// The vocabulary: town_test.go (the houses), person_test.go (who acts), story_test.go (what they do),
// traces_test.go (what is left behind).
package journeys
