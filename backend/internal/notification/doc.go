// Package notification is the room that writes and hands over mail: one frame, three languages, one way out.
//
// A room that wants a mail sent orders it inside its own transaction ([Service.Enqueue]); order and act stand or fall
// together. A worker later asks that room to compose the [Letter] ([Service.Compose]), which is when codes and links
// are made, puts it into words and into the frame ([Renderer]), builds the message and hands it to the [Transport].
// The outcome is committed mail by mail.
//
// A mail is queued, then retrying as long as the mail server asks for patience, and at last sent, failed (the server's
// words are kept for staff) or dropped (its reason had gone when its turn came). A crash between the server's yes and
// our commit sends the mail again under the same Message-ID: at least once, never silently lost.
//
// While the mail server cannot be reached, or cuts off every mail, mail waits untouched until it is there again (line.go):
// no attempt is counted, and nothing is written, mail by mail.
//
// Codes that strangers order wait apart from all other mail and keep to budgets (held.go): what is over leaves later,
// nothing is dropped, staff see it.
//
// What people typed reaches a mail only as [Name] or [Words], and mails to addresses that nobody has proven yet cannot
// hold either: a kind marked Unproven with such a field does not start (security.md T59–T61).
//
// Routes (tag notification): GET /api/v1/mailbox, /api/v1/mailbox/{id}, /api/v1/mailbox/{id}/html, and only where mail
// stays in the house. Neighbours: every room above orders here; this room knows none of them. Norms: RFC 5321, 5322,
// 2045–2047, 3207, 3834, 4954.
package notification
