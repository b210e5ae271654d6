package notification

import (
	"embed"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

//go:embed messages/*.json
var messages embed.FS

// ErrNoMail is for a mail that is not in the built-in mailbox, and for every mail where there is no such mailbox.
var ErrNoMail = fault.New(fault.NotFound, "mail_unknown", "This mail is not here. The mailbox keeps the newest 1,000.")

func init() {
	if err := fault.Load(messages, "messages"); err != nil {
		panic(err)
	}
}
