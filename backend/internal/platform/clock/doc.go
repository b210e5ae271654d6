// Package clock is the one door by which time enters the house.
//
// Code asks a Clock and never time.Now (lint holds this), so tests decide what time it is and never sleep.
// Inside a transaction the instant of the act is tx.Now, taken once from the same clock.
//
// Every instant is UTC and cut to whole microseconds, the precision that both databases keep, so that a value
// read back equals the value written.
//
// Neighbours: ids (time-sorted identifiers), database (tx.Now), jobs (leases, back-off).
package clock
