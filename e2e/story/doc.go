// Package story is the vocabulary in which the product's stories are told from outside: over HTTP and SMTP, against the
// real binary, on SQLite and on PostgreSQL (there with two replicas). Package journeys tells what people experience with
// it, package strangers what the house withstands.
//
// A story is one test; Each tells it once per house. It seeds through public doors only (`vestibule demo`, `vestibule
// flow apply`, the API), uses addresses of its own, and asserts what happened and that nothing else did. Every answer is
// held against the contract. When all stories are told, the invariants are asked of both databases and no log may hold a
// secret.
//
// town.go and houses.go are the houses, person.go is who acts, acts.go and staff.go what they do, traces.go what is left
// behind.
package story
