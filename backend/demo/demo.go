// Package demo holds the demo company: Contoso, its partners, and the flows that they sign up through.
package demo

import "embed"

// Flows holds flows/*.yaml: supplier, decided by a sponsor, and visitor, which approves itself.
//
//go:embed flows
var Flows embed.FS
