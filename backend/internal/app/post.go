package app

import (
	"context"
	"net/url"
	"strings"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// languages are those that the house speaks completely; the first is the source.
var languages = []string{"en", "de", "ar"}

// post chooses how mail leaves: by SMTP, or, without a mail server and out of reach from outside, into the mailbox.
func (h *House) post(o Options) *notification.Service {
	cfg := h.Config
	switch {
	case cfg.Mailbox():
		h.transport = notification.NewMailbox(h.DB)
	case o.Mute:
		h.transport = notification.Discard{}
	default:
		h.transport = notification.NewSMTP(notification.SMTPOptions{
			Host: cfg.SMTPHost, Port: cfg.SMTPPort, Username: cfg.SMTPUsername, Password: cfg.SMTPPassword, TLS: cfg.SMTPTLS,
			Hello: publicHost(cfg.URL),
		})
	}
	needs := notification.Needs{
		DB: h.DB, Jobs: h.Jobs, IDs: h.IDs, Log: h.Log, BaseURL: cfg.URL, Transport: h.transport,
		From: notification.Sender{Name: cfg.Sender.Name, Address: cfg.Sender.Address}, House: h.letterhead, Failed: h.mailFailed,
		Limits: h.Limits, Pace: cfg.MailPace, Personal: directory.PersonalDomain,
	}
	if h.Metrics != nil {
		needs.Observe = h.Metrics.Mail
	}
	return notification.New(needs)
}

func publicHost(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return "localhost" // config has checked it
	}
	return u.Hostname()
}

// letterhead is what every mail says about its sender.
func (h *House) letterhead(ctx context.Context) (notification.House, error) {
	tenant, err := h.People.Tenant(ctx)
	if err != nil {
		return notification.House{}, err
	}
	head := notification.House{Org: tenant.Name, Legal: tenant.LegalName, Contact: tenant.ContactEmail, Privacy: h.Config.URL + "/privacy"}
	if tenant.Logo != "" { // mail programs show no SVG: beside each logo stands its PNG
		head.Logo = h.Config.URL + strings.TrimSuffix(tenant.Logo, ".svg") + ".png"
	}
	if head.Org == "" {
		head.Org = h.Config.TenantDomain
	}
	return head, nil
}

func (h *House) mailFailed(tx *database.Tx, f notification.Failure) error {
	return h.Audit.Record(tx, audit.Event{
		Name: "notification.failed", Result: audit.Refused, Target: f.About, Subject: h.Audit.Subject(f.Address),
		Data: map[string]any{"mail": f.ID, "kind": f.Kind, "reason": f.Reason},
	})
}
