// Package faults breaks what a house stands on, and counts what is lost: the process is killed, the mail server, the
// database and the disk fail, two replicas work as one, and more comes than can be served.
//
// Every test is named after the rows of docs/reliability.md that it holds, prints a line with its figures and what was
// wanted, and ends with the invariants of stack/invariants.sql. There are two forms: the short one runs with all other
// tests, and the long one (VESTIBULE_TEST_FAULTS=long, `make faults`) has the numbers of the table. What only a quiet
// machine can hold to, such as a p99, is asserted in the long form and printed in both.
//
// Neighbours: stack starts and stops houses and PostgreSQL, mailstand is the mail server that misbehaves.
package faults
