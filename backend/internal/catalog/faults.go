package catalog

import (
	"embed"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

//go:embed messages/*.json
var messages embed.FS

// ErrNobody refuses callers who are no person, such as an API key.
var ErrNobody = fault.New(fault.Forbidden, "catalog_no_person", "Only people have apps. Sign in as a guest or as a member.")

func init() {
	if err := fault.Load(messages, "messages"); err != nil {
		panic(err) // embedded: a mistake of ours that every test notices
	}
}
