// Package strangers attacks the house from outside, over HTTP and SMTP, on SQLite and on two replicas with PostgreSQL.
// A test is named after its row of docs/security.md.
package strangers
