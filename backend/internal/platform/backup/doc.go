// Package backup writes a database into one file and loads such a file into an empty database, SQLite and PostgreSQL
// alike: a backup of one may be loaded into the other.
//
// A backup is a tar file (POSIX.1-1988) that any tar lists. In this order:
//
//	vestibule-backup             the format's number, on one line
//	data/<table>/<nnnnn>.jsonl.gz  rows, one JSON array a line, in the order of the manifest's columns
//	manifest.json                Manifest: what was backed up by whom, every part with its SHA-256
//	manifest.mac                 HMAC-SHA256 of manifest.json under a key derived from the master key, in hexadecimal
//
// Values are written the same way for both databases: text and JSON as strings, instants as RFC 3339 in UTC, bytes in
// base64, NULL as null. Tables come after those that they refer to. The manifest comes last, so that a file that was cut
// off has none; nothing is loaded before the whole file has been read and found sound once.
//
// It knows tables and columns by asking the database, and nothing of what they mean: which tables stay out is said in
// Source.LeaveOut, and what a restore must not bring back to life is the rooms' business (app).
//
// A backup holds what the database holds of people, in clear. It never holds the master key, only its fingerprint.
//
// Neighbours: database (a snapshot, one long transaction), secret (fingerprint, seal).
package backup
