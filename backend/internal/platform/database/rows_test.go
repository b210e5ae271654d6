package database_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

// TestLaterInsert_IsWhatCreateWrites, and LaterUpdate what Save does, column by column.
func TestLaterInsert_IsWhatCreateWrites(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		withParcels(t, db)
		made, ends := time.Date(2026, 3, 1, 9, 0, 0, 123000, time.UTC), time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
		ours := parcel{ID: "a", Owner: "ana \"'\x01ü", Count: 1 << 40, Seal: []byte{0, 255}, Note: &database.JSON[letter]{}, CreatedAt: made, ExpiresAt: &ends}
		theirs := ours
		theirs.ID = "b"
		read := func() (rows []parcel) {
			require.NoError(t, db.Read(t.Context()).Order("id").Find(&rows).Error)
			return rows
		}
		same := func() {
			rows := read()
			require.Len(t, rows, 2)
			rows[1].ID = rows[0].ID
			require.Equal(t, rows[1], rows[0])
		}
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
			require.NoError(t, tx.Later(func(db *gorm.DB) *gorm.DB { return db.Create(&theirs) }))
			return tx.LaterInsert(&ours)
		}))
		same()
		ours.Owner, ours.ExpiresAt = "bo", nil
		theirs.Owner, theirs.ExpiresAt = "bo", nil
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
			require.NoError(t, tx.Later(func(db *gorm.DB) *gorm.DB { return db.Save(&theirs) }))
			return tx.LaterUpdate(&ours)
		}))
		same()
		require.Nil(t, read()[0].ExpiresAt)

		err := db.InTx(t.Context(), func(tx *database.Tx) error { return tx.LaterInsert(&ours) })
		require.True(t, database.IsUniqueOn(err, "parcels_pkey", "parcels.id"), "%v", err)
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error { return tx.LaterUpdate(&parcel{ID: "nobody"}) }))
		require.Len(t, read(), 2, "who is not there is not written")
	})
}

// TestLaterInsert_RefusesWhatIsNotWrittenAsItStands: such a row would be another one than Create's.
func TestLaterInsert_RefusesWhatIsNotWrittenAsItStands(t *testing.T) {
	t.Parallel()
	type counted struct{ ID int64 }
	type filled struct {
		ID   string
		Kind string `gorm:"default:none"`
	}
	type keyless struct{ Name string }
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		for _, row := range []any{&counted{}, &filled{ID: "a"}, &keyless{}} {
			require.Error(t, db.InTx(t.Context(), func(tx *database.Tx) error { return tx.LaterInsert(row) }))
		}
	})
}
