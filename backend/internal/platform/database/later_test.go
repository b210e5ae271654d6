package database_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

// put is one parcel to be written, now or later.
func put(id string) func(db *gorm.DB) *gorm.DB {
	return func(db *gorm.DB) *gorm.DB {
		return db.Create(&parcel{ID: id, Owner: id, CreatedAt: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
	}
}

func rename(id, owner string) func(db *gorm.DB) *gorm.DB {
	return func(db *gorm.DB) *gorm.DB { return db.Exec("UPDATE parcels SET owner = ? WHERE id = ?", owner, id) }
}

func TestLater_BelongsToTheActAndKeepsItsOrder(t *testing.T) {
	t.Parallel()
	undone := errors.New("undone")
	unique := func(err error) bool { return database.IsUniqueOn(err, "parcels_pkey", "parcels.id") }
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		withParcels(t, db)
		owners := func(db *gorm.DB) (out []string) {
			require.NoError(t, db.Raw("SELECT owner FROM parcels ORDER BY id").Scan(&out).Error)
			return out
		}
		for _, tc := range []struct {
			name string
			act  func(tx *database.Tx) error
			want []string
			bad  func(error) bool
		}{
			{"an act of nothing", func(*database.Tx) error { return nil }, nil, nil},
			{"nothing but later ones", func(tx *database.Tx) error {
				return errors.Join(tx.Later(put("a")), tx.Later(rename("a", "ana")))
			}, []string{"ana"}, nil},
			{"a read sees what is pending", func(tx *database.Tx) error {
				if err := tx.Later(put("a")); err != nil {
					return err
				}
				if got := owners(db.Read(tx.Context())); len(got) != 1 {
					return fmt.Errorf("read %v", got)
				}
				return tx.Later(rename("a", "bo"))
			}, []string{"bo"}, nil},
			{"a write now comes after one before it", func(tx *database.Tx) error {
				return errors.Join(tx.Later(put("a")), rename("a", "cy")(tx.DB).Error)
			}, []string{"cy"}, nil},
			{"texts come with what is pending", func(tx *database.Tx) error {
				if err := tx.Later(put("a")); err != nil {
					return err
				}
				got, err := tx.Texts("UPDATE parcels SET owner = ? WHERE id = ? RETURNING owner", "di", "a")
				if err == nil && (len(got) != 1 || got[0] != "di") {
					err = fmt.Errorf("texts were %v", got)
				}
				return err
			}, []string{"di"}, nil},
			{"one row comes with what is pending", func(tx *database.Tx) error {
				if err := tx.Later(put("a")); err != nil {
					return err
				}
				got, err := database.One[parcel](tx, func(db *gorm.DB) *gorm.DB { return db.Where("owner = ?", "a") })
				if err == nil && (got == nil || got.ID != "a" || !got.CreatedAt.Equal(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)) || got.ExpiresAt != nil) {
					err = fmt.Errorf("read %+v", got)
				}
				return err
			}, []string{"a"}, nil},
			{"one row that is not there", func(tx *database.Tx) error {
				got, err := database.One[parcel](tx, func(db *gorm.DB) *gorm.DB { return db.Where("owner = ?", "nobody") })
				if got != nil {
					err = errors.New("found somebody")
				}
				return err
			}, nil, nil},
			{"texts that find nothing", func(tx *database.Tx) error {
				got, err := tx.Texts("SELECT owner FROM parcels WHERE id = ?", "nobody")
				if len(got) != 0 {
					err = errors.New("found somebody")
				}
				return err
			}, nil, nil},
			{"an undone act leaves none", func(tx *database.Tx) error {
				return errors.Join(tx.Later(put("a")), undone)
			}, nil, func(err error) bool { return errors.Is(err, undone) }},
			{"one that fails undoes the act", func(tx *database.Tx) error {
				if err := tx.Later(put("a")); err != nil {
					return err
				}
				return tx.Later(put("a"))
			}, nil, unique},
			{"even if nobody looks at the error", func(tx *database.Tx) error {
				err := errors.Join(tx.Later(put("a")), tx.Later(put("a")))
				rename("a", "ed")(tx.DB)
				return err // nil on PostgreSQL: the statement before brought it to light
			}, nil, unique},
			{"nothing after a failure escapes the act", func(tx *database.Tx) error {
				failed := tx.Later(func(db *gorm.DB) *gorm.DB { return db.Exec("UPDATE nowhere SET owner = 'x'") })
				rename("a", "ed")(tx.DB) // here it comes to light on PostgreSQL, and nobody looks
				_, _ = tx.Texts("INSERT INTO parcels (id, owner, open, count, letter, created_at) VALUES ('z', 'z', FALSE, 0, '{}', ?) RETURNING id", tx.Now)
				return failed
			}, nil, func(err error) bool { return err != nil }},
			{"one that cannot be built", func(tx *database.Tx) error {
				return tx.Later(func(db *gorm.DB) *gorm.DB { return db.Model(&parcel{}).Update("owner", "all") })
			}, nil, func(err error) bool { return errors.Is(err, gorm.ErrMissingWhereClause) }},
		} {
			t.Run(tc.name, func(t *testing.T) {
				err := db.InTx(t.Context(), tc.act)
				if tc.bad == nil {
					require.NoError(t, err)
				} else {
					require.True(t, tc.bad(err), err)
				}
				require.Equal(t, tc.want, owners(db.Read(t.Context())))
				require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error { return tx.Exec("DELETE FROM parcels").Error }), "the connection is as good as new")
			})
		}
	})
}

func TestLater_FailedCommitOfAnActThatHidAnError(t *testing.T) {
	t.Parallel()
	db, _ := dbtest.New(t, database.Postgres)
	withParcels(t, db)
	require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error { return put("a")(tx.DB).Error }))
	err := db.InTx(t.Context(), func(tx *database.Tx) error {
		_ = put("a")(tx.DB).Error // the server gives the transaction up
		return nil
	})
	require.Error(t, err, "what was not written is not said to be")
}

func TestLaterOne_UndoesTheActThatFindsNoRow(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		withParcels(t, db)
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error { return put("a")(tx.DB).Error }))
		takes := func(id, trace string) error {
			return db.InTx(t.Context(), func(tx *database.Tx) error {
				return errors.Join(tx.Later(put(trace)), tx.LaterOne("DELETE FROM parcels WHERE id = ?", id))
			})
		}
		require.ErrorIs(t, takes("nobody's", "x"), database.ErrNoRow)
		require.NoError(t, takes("a", "y"))
		require.ErrorIs(t, takes("a", "z"), database.ErrNoRow)
		var left []string
		require.NoError(t, db.Read(t.Context()).Raw("SELECT id FROM parcels").Scan(&left).Error)
		require.Equal(t, []string{"y"}, left)
		err := db.InTx(t.Context(), func(tx *database.Tx) error {
			return tx.Exec("SELECT 1 / (SELECT count(*) FROM parcels WHERE id = '')").Error
		})
		require.NotErrorIs(t, err, database.ErrNoRow, "a division by zero elsewhere is a mistake")
	})
}
