// Package outbound is the one client by which the house calls addresses that people have typed: connectors, webhooks,
// providers of identity. It never reaches inwards.
//
// An address is judged when the socket is about to be opened, after every name has been resolved and for every try, so
// that no resolver can say one thing to a check and another to the call. Refused are all networks that are not the
// public internet, in every form that hides one address in another (RFC 6890 and its successors, IPv4 in IPv6); an
// operator opens single internal networks (Options.Allow). Only https to the configured ports, no
// redirects, no proxy of the environment, bounded time and size.
//
// Neighbours: connector and later provisioning use it; config feeds [Options]. What failed is told in two codes only,
// so that nobody maps an internal network by the words of our errors.
package outbound
