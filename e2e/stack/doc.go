// Package stack boots what an end-to-end test needs and nothing of its own invention: the real binary, a real
// PostgreSQL, a mail catcher, a browser.
//
// Each of them is looked for in a fixed order (see Find in postgres.go, chromium.go, mail.go), and the log says in one
// line which one was taken, so that nobody has to guess what a green run ran against. What is missing is an error that
// names the remedy in one sentence; nothing is skipped.
//
// Neighbours: package mailstand is the mail catcher where there is no Mailpit; package contract checks answers;
// package story and e2e/cmd/house are the users. Nothing here imports the backend: the compiler forbids it.
package stack
