// Package secret keeps what must not be seen: values that print as dots wherever they are printed ([String]), the
// installation's master key and the keys derived from it ([Keys]), and sealed values at rest ([Box]).
//
// One master key per installation, in VESTIBULE_SECRET_KEY or, by default, made at first start in the data folder.
// Nothing uses it directly: each purpose derives its own key (HKDF-SHA256, RFC 5869), so that what one room signs
// can never pass for what another room sealed. Losing the master key means that stored connector credentials and
// pending links cannot be read any more; guests, requests and audit are not affected.
//
// Neighbours: config reads secrets, log and fmt print their dots. No SQL, no HTTP.
package secret
