// Package email is the one reader of electronic mail addresses and domain rules.
//
// An address is read once, into an [Address], and from then on only the parsed parts are used: for the allow list, for
// the database and for RCPT TO. Two readers that disagree about where the domain begins are how domain rules are evaded.
//
// What is an address here: a dot-atom local part of 1–64 ASCII characters (RFC 5321 §4.1.2, RFC 5322 §3.2.3), "@", and a
// host name of letters, digits and hyphens with at least one dot. Internationalised domains are accepted and kept as
// A-labels (UTS #46, nontransitional). What the mail grammar allows beyond that is refused on purpose: quoted local
// parts, comments, display names, groups, address literals, encoded words, source routes, single-label domains.
//
// Neighbours: every room that takes an address from a person. It knows nothing of HTTP or the database.
package email
