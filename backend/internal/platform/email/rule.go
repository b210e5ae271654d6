package email

import (
	"errors"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Errors of [ParseRule].
var (
	// ErrRule is returned for what is neither "domain" nor "*.domain".
	ErrRule = errors.New("write a domain like example.com, or *.example.com for every domain below it")
	// ErrRulePublic is returned for a domain under which anybody may register: a rule about it says nothing about
	// one organisation.
	ErrRulePublic = errors.New("anybody can register below this domain, so it cannot stand for one organisation")
)

// Rule names one domain, or every domain below one. It never matches by suffix of the text.
type Rule struct {
	domain string
	below  bool
}

// ParseRule reads "corp.com" (that domain and no other) or "*.corp.com" (one or more labels below it, and not corp.com
// itself). It returns [ErrRule] or [ErrRulePublic].
func ParseRule(s string) (Rule, error) {
	s = strings.Trim(s, " \t\r\n")
	name, below := strings.CutPrefix(s, "*.")
	domain, err := ParseDomain(name)
	if err != nil {
		if isTopLevel(name) {
			return Rule{}, ErrRulePublic
		}
		return Rule{}, ErrRule
	}
	if suffix, _ := publicsuffix.PublicSuffix(domain); suffix == domain {
		return Rule{}, ErrRulePublic
	}
	return Rule{domain: domain, below: below}, nil
}

// isTopLevel says whether s is one LDH label, such as "com": worth a better sentence than "not a domain".
func isTopLevel(s string) bool {
	return s != "" && !strings.Contains(s, ".") && isHost("a."+lowerASCII(s))
}

// Match says whether domain, as [Address].Domain or [ParseDomain] give it, is meant by r. A domain that has any other
// form matches nothing.
func (r Rule) Match(domain string) bool {
	if r.domain == "" {
		return false
	}
	if !r.below {
		return domain == r.domain
	}
	prefix, found := strings.CutSuffix(domain, "."+r.domain)
	return found && prefix != "" && isHost(domain)
}

// String is the rule as [ParseRule] reads it.
func (r Rule) String() string {
	if r.below {
		return "*." + r.domain
	}
	return r.domain
}

// Rules is a decision about domains. A domain that any Deny rule matches is refused, whatever Allow says; after that,
// an empty Allow accepts every domain, and a filled one accepts only what it matches. The order of rules has no effect.
type Rules struct {
	Allow []Rule
	Deny  []Rule
}

// ParseRules reads both lists and reports the first rule that cannot be read, with its error.
func ParseRules(allow, deny []string) (rules Rules, bad string, err error) {
	read := func(list []string) []Rule {
		var out []Rule
		for _, s := range list {
			r, e := ParseRule(s)
			if e != nil {
				if err == nil {
					bad, err = s, e
				}
				continue
			}
			out = append(out, r)
		}
		return out
	}
	rules = Rules{Allow: read(allow), Deny: read(deny)}
	if err != nil {
		return Rules{}, bad, err
	}
	return rules, "", nil
}

// Accept says whether the domain may pass.
func (r Rules) Accept(domain string) bool {
	for _, rule := range r.Deny {
		if rule.Match(domain) {
			return false
		}
	}
	for _, rule := range r.Allow {
		if rule.Match(domain) {
			return true
		}
	}
	return len(r.Allow) == 0
}
