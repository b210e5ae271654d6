package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// Tenant is the company that runs this house: the one row of identity_tenant.
type Tenant struct {
	Name         string
	LegalName    string // name and address for the footer
	ContactEmail string
	Logo         string // path of a static file of this house; empty for none
	Demo         bool
	SetUpAt      time.Time // zero as long as nobody has set the house up
}

type tenantRow struct {
	ID string
	Tenant
}

func (tenantRow) TableName() string { return "identity_tenant" }

const tenantID = "tenant"

// tenantFresh is how long a replica may show the tenant as it was before another replica changed it.
const tenantFresh = 2 * time.Second

type cachedTenant struct {
	tenant Tenant
	until  time.Time
}

// Tenant is the company behind this house. Before anybody has set it up, its name is the tenant's domain and SetUpAt is
// zero. Every page asks for it, so it is read at most once in two seconds.
func (d *Directory) Tenant(ctx context.Context) (Tenant, error) {
	now := d.db.Now()
	if kept := d.tenant.Load(); kept != nil && now.Before(kept.until) {
		return kept.tenant, nil
	}
	var row tenantRow
	err := d.db.Read(ctx).Where("id = ?", tenantID).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		row.Tenant, err = Tenant{Name: d.options.TenantDomain}, nil
	}
	if err != nil {
		return Tenant{}, fmt.Errorf("read tenant: %w", err)
	}
	d.tenant.Store(&cachedTenant{row.Tenant, now.Add(tenantFresh)})
	return row.Tenant, nil
}

// SetTenant writes the tenant; the first time sets the house up, at tx.Now. Writes audit "directory.tenant_set".
func (d *Directory) SetTenant(tx *database.Tx, t Tenant) error {
	t.SetUpAt = tx.Now
	err := tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "id"}},
		DoUpdates: clause.AssignmentColumns([]string{"name", "legal_name", "contact_email", "logo", "demo"}),
	}).Create(&tenantRow{ID: tenantID, Tenant: t}).Error
	if err != nil {
		return fmt.Errorf("write tenant: %w", err)
	}
	tx.AfterCommit(func() { d.tenant.Store(nil) })
	return d.recordThing(tx, "directory.tenant_set", tenantID, t.Name)
}

// recordThing writes an event about what is no person.
func (d *Directory) recordThing(tx *database.Tx, name, id, called string) error {
	return d.audit.Record(tx, audit.Event{Name: name, Target: id, Data: map[string]any{"name": called}})
}
