package email_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

func TestRule_Match(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, rule, address string
		want                bool
	}{
		{"the domain itself", "corp.com", "x@corp.com", true},
		{"letter case is no difference", "Corp.com", "x@CORP.COM", true},
		{"a longer word that ends the same", "corp.com", "x@evilcorp.com", false},
		{"the domain as somebody's sub-domain", "corp.com", "x@corp.com.evil.com", false},
		{"a sub-domain is another domain", "corp.com", "x@sub.corp.com", false},
		{"a punycode lookalike", "corp.com", "x@xn--crp-fma.com", false},
		{"one label below", "*.corp.com", "x@sub.corp.com", true},
		{"two labels below", "*.corp.com", "x@a.b.corp.com", true},
		{"the star does not mean the domain itself", "*.corp.com", "x@corp.com", false},
		{"the star does not glue", "*.corp.com", "x@xcorp.com", false},
		{"rule and address meet as A-labels", "müller.example", "x@xn--mller-kva.example", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rule, err := email.ParseRule(tc.rule)
			require.NoError(t, err)
			a, err := email.Parse(tc.address)
			require.NoError(t, err)
			require.Equal(t, tc.want, rule.Match(a.Domain))
			again, err := email.ParseRule(rule.String())
			require.NoError(t, err)
			require.Equal(t, rule, again)
		})
	}
}

func TestRule_MatchTakesOnlyWholeDomains(t *testing.T) {
	t.Parallel()
	rule, err := email.ParseRule("*.corp.com")
	require.NoError(t, err)
	for _, domain := range []string{"", ".corp.com", "a..corp.com", "a b.corp.com", "-.corp.com", "evil.com@x.corp.com"} {
		require.False(t, rule.Match(domain), domain)
	}
	require.False(t, email.Rule{}.Match(""), "a rule nobody wrote matches nothing")
}

func TestParseRule_refuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, rule string
		want       error
	}{
		{"below a public suffix", "*.co.uk", email.ErrRulePublic},
		{"a public suffix", "co.uk", email.ErrRulePublic},
		{"a top level", "com", email.ErrRulePublic},
		{"below a top level", "*.com", email.ErrRulePublic},
		{"where anybody hosts", "github.io", email.ErrRulePublic},
		{"everything", "*", email.ErrRule},
		{"a star in the middle", "a.*.com", email.ErrRule},
		{"a star glued to a name", "*corp.com", email.ErrRule},
		{"an expression", `.*\.corp\.com`, email.ErrRule},
		{"an address", "a@corp.com", email.ErrRule},
		{"trailing dot", "corp.com.", email.ErrRule},
		{"nothing", "", email.ErrRule},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := email.ParseRule(tc.rule)
			require.ErrorIs(t, err, tc.want)
		})
	}
}

func TestRules_Accept(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		allow, deny []string
		domain      string
		want        bool
	}{
		{"no rules accept everybody", nil, nil, "any.example", true},
		{"a deny list alone refuses what it names", nil, []string{"bad.example"}, "bad.example", false},
		{"and nothing else", nil, []string{"bad.example"}, "good.example", true},
		{"an allow list refuses the rest", []string{"good.example"}, nil, "other.example", false},
		{"deny beats allow", []string{"*.corp.com"}, []string{"x.corp.com"}, "x.corp.com", false},
		{"deny below beats an exact allow", []string{"x.corp.com"}, []string{"*.corp.com"}, "x.corp.com", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rules, _, err := email.ParseRules(tc.allow, tc.deny)
			require.NoError(t, err)
			require.Equal(t, tc.want, rules.Accept(tc.domain))
			slices.Reverse(rules.Allow)
			slices.Reverse(rules.Deny)
			require.Equal(t, tc.want, rules.Accept(tc.domain), "the order has no effect")
			if len(rules.Allow) > 0 && tc.want {
				more, err := email.ParseRule("more.example")
				require.NoError(t, err)
				rules.Allow = append(rules.Allow, more)
				require.True(t, rules.Accept(tc.domain), "one more allow rule takes nothing away")
			}
		})
	}
}

func TestParseRules_namesTheBadOne(t *testing.T) {
	t.Parallel()
	_, bad, err := email.ParseRules([]string{"corp.com", "*.co.uk"}, []string{"*"})
	require.ErrorIs(t, err, email.ErrRulePublic)
	require.Equal(t, "*.co.uk", bad)
}
