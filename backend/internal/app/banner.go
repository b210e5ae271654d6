package app

import (
	"context"
	"fmt"
	"strings"
)

// banner is what the operator reads when the house is ready: the address, and what to do first.
func (h *House) banner(ctx context.Context) string {
	var b strings.Builder
	base := h.Config.URL
	fmt.Fprintf(&b, "\n  Vestibule %s is ready at %s\n", h.version, base)
	tenant, err := h.People.Tenant(ctx)
	switch {
	case err != nil:
		h.Log.Warn("reading the tenant", "error", err)
	case tenant.SetUpAt.IsZero():
		link, err := h.Identity.CreateSetupLink(ctx)
		if err != nil {
			h.Log.Error("making the set-up link", "error", err)
			break
		}
		fmt.Fprintf(&b, "\n  Nobody is here yet. Become the first administrator with this link; it works once, for 30 minutes:\n  %s\n", link)
	case tenant.Demo:
		h.demoBanner(&b, base)
	}
	if h.Config.Mailbox() {
		fmt.Fprintf(&b, "\n  Mails stay on this computer: %s/_mail\n", base)
	}
	b.WriteByte('\n')
	return b.String()
}

func (h *House) demoBanner(b *strings.Builder, base string) {
	fmt.Fprintf(b, "\n  This is the demo company Contoso. Everybody signs in with a code by mail.\n\n")
	fmt.Fprintf(b, "  Sign up as a partner    %s/join/supplier   (a sponsor decides)\n", base)
	fmt.Fprintf(b, "                          %s/join/visitor    (approves itself)\n", base)
	fmt.Fprintf(b, "  Decide as a sponsor     %s/inbox\n", base)
	fmt.Fprintf(b, "  Open your apps          %s/apps\n", base)
	fmt.Fprintf(b, "  See guests as staff     %s/guests\n", base)
	fmt.Fprintf(b, "  Read the API            %s/developers/api\n\n", base)
	for _, p := range DemoPeople() {
		fmt.Fprintf(b, "  %-14s %-30s %s\n", p.Name, p.Email, p.Story)
	}
}
