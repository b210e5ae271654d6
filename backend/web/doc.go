// Package web carries the built app (dist/, made by `make build` in frontend/) inside the binary and serves it.
//
// Everything about a file is decided once, at start: its type, its tags, which compressed forms the build has laid beside
// it. A request looks up a map and copies bytes; nothing is compressed or decompressed, nothing is read from disk.
// Hashed files are immutable for a year; the HTML shell is never stored. Every address that is no file and does not look
// like one gets the shell, because the app knows its own addresses; what looks like a file and is none is 404.
//
// The policy of platform/web allows inline code by hash only: ScriptHashes and StyleHashes are read from the build.
package web
