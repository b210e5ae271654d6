package identity

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// deviceLife is how long a browser stays known after it has signed its person in (security.md §4).
const deviceLife = 30 * 24 * time.Hour

// device is a row of identity_devices: a browser in which the person has signed in lately. It is no session and gives no
// right. It only has tries and mails of its own, so that strangers who use up those of the address do not lock the
// person out (security.md T29).
type device struct {
	ID        string
	TokenHash []byte
	UserID    string
	CreatedAt time.Time
	ExpiresAt time.Time
}

func (device) TableName() string { return "identity_devices" }

// knownDevice is the id of the device that the token stands for, if it belongs to the person of the address at now; else
// "". Without a token nothing is asked of the database.
func knownDevice(db *gorm.DB, now time.Time, token, address string) (id string, err error) {
	if token == "" {
		return "", nil
	}
	const query = `SELECT d.id FROM identity_devices d JOIN directory_users u ON u.id = d.user_id
WHERE d.token_hash = ? AND d.expires_at > ? AND u.address = ? AND u.account_enabled`
	var found []string
	if err := db.Raw(query, ids.HashToken(token), now, address).Scan(&found).Error; err != nil {
		return "", fmt.Errorf("read device: %w", err)
	}
	if len(found) == 0 {
		return "", nil
	}
	return found[0], nil
}

// rememberDevice gives the browser a new mark for the person who has just signed in, in place of the one it held. The
// row, and with it what the device has used up, stays if it was the same person's.
func (s *Service) rememberDevice(tx *database.Tx, user *directory.User, held string) (token string, err error) {
	token = s.ids.Token()
	until := tx.Now.Add(deviceLife)
	if held != "" {
		res := tx.Exec("UPDATE identity_devices SET token_hash = ?, expires_at = ? WHERE token_hash = ? AND user_id = ? AND expires_at > ?",
			ids.HashToken(token), until, ids.HashToken(held), user.ID, tx.Now)
		if res.Error != nil {
			return "", fmt.Errorf("renew device: %w", res.Error)
		}
		if res.RowsAffected > 0 {
			return token, nil
		}
		if err := dropDevices(tx, "token_hash", ids.HashToken(held)); err != nil { // somebody else's: this browser is not theirs any more
			return "", err
		}
	}
	row := device{ID: s.ids.New("dev"), TokenHash: ids.HashToken(token), UserID: user.ID, CreatedAt: tx.Now, ExpiresAt: until}
	if err := tx.Create(&row).Error; err != nil {
		return "", fmt.Errorf("insert device: %w", err)
	}
	return token, nil
}

// dropDevices forgets the devices whose column is value.
func dropDevices(tx *database.Tx, column string, value any) error {
	if err := tx.Exec("DELETE FROM identity_devices WHERE "+column+" = ?", value).Error; err != nil {
		return fmt.Errorf("drop device: %w", err)
	}
	return nil
}
