// Package migrations is the schema's history: SQL files in goose's format, forward only, embedded into the binary.
//
// Both databases share each file. Types are written as words that platform/database expands for the one at hand:
// {{id}} {{text}} {{key}} {{json}} {{time}} {{bytes}} {{bool}} {{int}} {{bigid}}; what remains different stands between
// "-- +postgres" or "-- +sqlite" and "-- +end". A released file is never edited: a change is a new file.
package migrations
