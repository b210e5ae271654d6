// Package signup is one person's passage through a flow, from the first press to the decided request.
//
// Steps: identity (an address is asked for) → code (it is being proved) → details (answers are kept as a draft) →
// request (sent; from here on the request's state tells the rest). A sign-up lives 60 minutes before proof and 7 days
// after it (settled.md §3); once sent it keeps the status page open for as long as the request is kept.
//
// The browser holds the sign-up by an opaque token in a cookie, hashed in the database; it is replaced at proof.
// Nothing typed before proof is kept, and nothing an applicant typed is mailed before proof. The answer to an address
// never tells whether it is known: what differs is the mail, and that is decided when the mail is made.
//
// One sign-up in full: http.go (bind, call, answer) → service.go (the use cases) → store.go (the rows); mails are
// composed in compose.go and worded in mail.go.
//
// Routes: /api/v1/signups…, /api/v1/requests/{reference}…, /api/v1/link.
//
// Neighbours: flow (what is asked), identity (codes, cookies), approval (the request), directory (the guest),
// notification, audit.
package signup
