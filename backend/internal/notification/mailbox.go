package notification

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// maxMailbox is how many mails the built-in mailbox keeps: the newest.
const maxMailbox = 1000

// Mailbox is the transport that keeps mail in the house, for a house that nobody outside can reach.
type Mailbox struct{ db *database.DB }

// NewMailbox keeps mails in db.
func NewMailbox(db *database.DB) *Mailbox { return &Mailbox{db: db} }

// kept is a row of mailbox_messages.
type kept struct {
	ID        string
	Kind      string
	MailTo    string
	MailFrom  string
	Subject   string
	TextPart  string
	HTMLPart  string `gorm:"column:html_part"`
	Source    []byte
	CreatedAt time.Time
}

// TableName is the table's.
func (kept) TableName() string { return "mailbox_messages" }

// Send keeps m. The same mail again replaces itself.
func (b *Mailbox) Send(ctx context.Context, m *Message) error {
	return b.db.InTx(ctx, func(tx *database.Tx) error {
		row := kept{
			ID: m.ID, Kind: m.Kind, MailTo: m.To.String(), MailFrom: m.From.header().String(), Subject: m.Subject,
			TextPart: m.Text, HTMLPart: m.HTML, Source: m.Source, CreatedAt: tx.Now,
		}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return fmt.Errorf("keep mail: %w", err)
		}
		newest := tx.Model(&kept{}).Select("id").Order("id DESC").Limit(maxMailbox)
		if err := tx.Where("id NOT IN (?)", newest).Delete(&kept{}).Error; err != nil {
			return fmt.Errorf("drop old mails: %w", err)
		}
		return nil
	})
}

// Close has nothing to do.
func (b *Mailbox) Close() error { return nil }

// list is one page, newest first; search is part of an address or a subject, in any letter case of ASCII.
func (b *Mailbox) list(ctx context.Context, search, before string, limit int) ([]kept, error) {
	query := b.db.Read(ctx).Select("id", "kind", "mail_to", "mail_from", "subject", "text_part", "created_at")
	if search != "" {
		like := "%" + likeEscape.Replace(strings.ToLower(search)) + "%"
		query = query.Where(`LOWER(mail_to) LIKE ? ESCAPE '\' OR LOWER(subject) LIKE ? ESCAPE '\'`, like, like)
	}
	if before != "" {
		query = query.Where("id < ?", before)
	}
	var found []kept
	if err := query.Order("id DESC").Limit(limit).Find(&found).Error; err != nil {
		return nil, fmt.Errorf("list kept mails: %w", err)
	}
	return found, nil
}

var likeEscape = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)

// one is a kept mail, or ErrNoMail.
func (b *Mailbox) one(ctx context.Context, id string) (*kept, error) {
	var row kept
	err := b.db.Read(ctx).Where("id = ?", id).Take(&row).Error
	switch {
	case err == nil:
		return &row, nil
	case isMissing(err):
		return nil, ErrNoMail
	}
	return nil, fmt.Errorf("read kept mail: %w", err)
}

func isMissing(err error) bool { return err == gorm.ErrRecordNotFound } //nolint:errorlint // Take returns it bare
