// Package log is the house's one slog handler: one record, one line, at most 2 KiB, whatever is put into it.
//
// It writes JSON, or a text form for eyes. In both, control characters, terminal escapes and characters that turn the
// reading direction are written as \u escapes, so that nobody can forge a second line or hide one. E-mail addresses are
// masked wherever they stand ("j***@fabrikam.de"); [Address] adds a keyed hash, so that two lines about one person can
// be brought together without naming the person. Values under names of secrets (token, cookie, authorization, …) and
// one-time codes are written as dots.
//
// The request's id goes into every line that is logged with the request's context ([WithRequestID]).
//
// Neighbours: everybody logs through *slog.Logger; only main and app know this package. Norms: ASVS 5.0 16.2.5, 16.4.1.
package log
