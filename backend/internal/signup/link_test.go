package signup

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/identity"
)

func TestLink_FinishesOnlyInTheBrowserThatBegan(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) { // security.md T05
		row, token := h.begins("supplier", "maria@fabrikam.de")
		_, foreignToken := h.begins("supplier", "other@fabrikam.de")
		var link string
		for _, l := range h.mails() {
			if l.to == "maria@fabrikam.de" {
				link = l.link
			}
		}
		before := h.row(row.ID)
		for name, held := range map[string]string{"no cookie: a mail scanner": "", "another sign-up's browser": foreignToken, "a cookie that was never given": "x"} {
			seen, err := h.describeLink(h.ctx, link, held)
			require.NoError(t, err, name)
			require.False(t, seen.sameBrowser, name)
			require.Equal(t, identity.LinkReady, seen.info.State, name)
			require.Len(t, seen.info.Code, codeLength, "it shows the code to type, %s", name)
			_, _, err = h.pressLink(h.ctx, link, held)
			require.ErrorIs(t, err, ErrOtherBrowser, name)
		}
		require.Equal(t, before, h.row(row.ID), "looking and wrong presses change nothing")

		seen, err := h.describeLink(h.ctx, link, token)
		require.NoError(t, err)
		require.True(t, seen.sameBrowser)
		proved, fresh, err := h.pressLink(h.ctx, link, token)
		require.NoError(t, err)
		require.Equal(t, StepDetails, proved.Step)
		require.NotEmpty(t, fresh)
		_, err = h.ByToken(h.ctx, token)
		require.ErrorIs(t, err, ErrNoSignup, "the old cookie is dead")
		_, _, err = h.pressLink(h.ctx, link, fresh)
		require.ErrorIs(t, err, ErrLinkUsedUp, "once")
		require.Equal(t, []string{"signup.started", "signup.proved"}, h.events(row.ID))
	})
}

func TestLink_ThatNoLongerWorks(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		for _, tc := range []struct {
			name string
			act  func(row *signup, l letter)
		}{
			{"its code was typed", func(row *signup, l letter) {
				_, _, err := h.Prove(h.ctx, row.ID, l.code)
				require.NoError(t, err)
			}},
			{"ten minutes are over", func(*signup, letter) { h.clk.Advance(10 * time.Minute) }},
			{"the sign-up is over", func(*signup, letter) { h.clk.Advance(61 * time.Minute) }},
			{"the address was changed", func(row *signup, _ letter) {
				h.clk.Advance(time.Minute)
				_, err := h.GiveEmail(h.ctx, row.ID, "new-"+row.Address, "en")
				require.NoError(t, err)
			}},
		} {
			t.Run(tc.name, func(t *testing.T) {
				row, token := h.begins("supplier", "maria@fabrikam.de")
				sent := h.newest()
				tc.act(row, sent)
				_, _, err := h.pressLink(h.ctx, sent.link, token)
				require.ErrorIs(t, err, ErrLinkUsedUp)
				seen, err := h.describeLink(h.ctx, sent.link, token)
				require.NoError(t, err)
				require.Empty(t, seen.info.Code)
			})
		}
		for _, unknown := range []string{"", "x"} {
			_, _, err := h.pressLink(h.ctx, unknown, "")
			require.ErrorIs(t, err, ErrLinkUsedUp)
		}
	})
}
