// Package limits counts budgets that hold across replicas: tries per code, mails per mailbox, sign-ups per network.
//
// A budget is a token bucket: so many at once (Burst), and one more after each Refill. It is one row per name in
// limit_buckets, changed by one statement in the caller's transaction, so that what is refused or undone costs nothing
// and two replicas cannot both take the last token.
//
// A bucket's row is locked until the act ends. Take budgets in the same order everywhere, from the narrowest (a mailbox)
// to the widest (the whole house), late in the act. A try that must count even when the act fails is taken with Spend.
//
// Names are chosen by the rooms ("signup.start:2001:db8::/64"); who may not be named in a table is hashed by the room.
// VESTIBULE_LIMITS=off (loopback only) makes every budget endless.
//
// Neighbours: database. Norms: security.md §4 is the list of budgets.
package limits
