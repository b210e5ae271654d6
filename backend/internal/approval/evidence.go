package approval

import (
	"context"
	"slices"

	"github.com/vestibule-id/vestibule/backend/internal/directory"
)

// gather collects what helps to decide: each line a fact with its source, kept as it was when the request was sent.
func (s *Service) gather(ctx context.Context, o Opening, r *Request) error {
	proved := o.ProvedAt
	facts := []Fact{{Code: "address_proved", Level: "good", Value: o.Mail.String(), At: &proved}}
	switch {
	case directory.PersonalDomain(o.Mail.Domain):
		facts = append(facts, Fact{Code: "personal_domain", Level: "look", Value: o.Mail.Domain})
	default:
		colleagues, err := s.people.ColleaguesActive(ctx, o.Mail.Domain)
		if err != nil {
			return err
		}
		if colleagues > 0 {
			facts = append(facts, Fact{Code: "colleagues_active", Level: "good", Count: colleagues, Value: o.Mail.Domain})
		} else {
			facts = append(facts, Fact{Code: "new_organisation", Level: "fact", Value: o.Mail.Domain})
		}
	}
	earlier, err := s.Earlier(ctx, r.Address)
	if err != nil {
		return err
	}
	r.Evidence.V = append(facts, historyFact(earlier))
	if slices.ContainsFunc(r.Evidence.V, func(f Fact) bool { return f.Level == "look" }) {
		r.Risk = "look"
	}
	return nil
}

// historyFact tells the last word on this address, or that it is new.
func historyFact(earlier []Request) Fact {
	for _, e := range earlier {
		at := e.SubmittedAt
		switch e.Decision {
		case Approve:
			return Fact{Code: "earlier_approved", Level: "good", Value: e.Reference, At: &at}
		case Deny:
			return Fact{Code: "earlier_denied", Level: "look", Value: e.Reference, At: &at}
		}
	}
	return Fact{Code: "first_request", Level: "fact"}
}

// namedFact tells an approver whether the applicant named them. It depends on the reader, so it is not kept.
func (s *Service) namedFact(named string, viewer directory.User) (Fact, bool) {
	switch {
	case named == "":
		return Fact{}, false
	case sameMailbox(lowered(named), viewer.Address):
		return Fact{Code: "named_you", Level: "good"}, true
	default:
		return Fact{Code: "named_other", Level: "fact", Value: named}, true
	}
}
