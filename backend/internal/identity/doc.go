// Package identity knows who is at the door. There are no passwords: whoever reads the mail of an address is its owner.
//
// A code (6 digits) is made when its mail is handed over and proves one address for one purpose and subject: a sign-up
// or a sign-in. One verifier serves every surface; it counts a try before it compares, per subject, per address and for
// the whole house. The mailed link holds the same proof for the browser that began; elsewhere it shows the code.
//
// A sign-in goes: asked (a mail is on its way, for every address alike) → proved → finished, within 60 minutes. Whether
// the address is known is decided when the mail is composed, never in the answer.
//
// A session is an opaque token in a cookie, hashed in the database: guests 60 minutes idle and 24 hours in all, members
// 30 minutes and 8 hours. Every request asks again whether the person may still be here.
//
// A browser that has signed a person in is a known device for 30 days: a mark in a cookie, hashed in the database. It
// gives no right; it only has code tries and code mails of its own, which strangers cannot use up. Ten wrong codes for an
// address within a day warn its person by mail, once a day.
//
// Guard lets nobody through but whom the route's entry in the contract (x-who) names; a route without an entry is
// closed, and CheckRoutes refuses to start with one. Programs show an API key (vst_…) with scopes.
//
// The first administrator comes through a set-up link from the server's log: 30 minutes, once, closed for ever after.
//
// Routes: /api/v1/signin…, /signout, /me, /setup…; the page behind a mailed link is served by signup.
//
// Neighbours: directory (people, tenant), notification (mail), audit, limits. Norms: RFC 6265bis (cookies), RFC 6750 (bearer),
// settled.md §3, §4, §13 as said beside the lines.
package identity
