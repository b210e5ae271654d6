// Package mailstand is the mail catcher of the tests where there is no Mailpit: an SMTP server that keeps what it is
// given, and the part of Mailpit's REST API that the tests use (/api/v1/messages, /api/v1/message/{id} with /headers
// and /raw, /api/v1/search, /livez). It is a stand-in and calls itself one; the same tests must pass against the real
// Mailpit.
//
// It can also misbehave on purpose, per recipient (Fault): that is what no honest catcher does, so the tests of faults
// always use it, whatever catcher the others found.
package mailstand
