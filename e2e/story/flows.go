package story

import "maps"

// The flows of the stories; testdata/flows has their files.
const (
	Partner   = "partner"   // jonas or ana decides
	Visitors  = "walk-in"   // approves by itself
	ClosedOne = "closed"    // takes nobody
	TwoStages = "two-steps" // jonas, then ana
	Scarce    = "scarce"    // ten requests a day
	Company   = "company"   // only addresses of *.fabrikam.example and corp.example
)

// Answered are the least answers that partner, two-steps, scarce and company take, changed by pairs of name and value;
// a nil value leaves the name out.
func Answered(pairs ...any) map[string]any {
	a := map[string]any{"givenName": "Maria", "surname": "Lindqvist", "company": "Fabrikam GmbH", "reason": "deliver"}
	return Changed(a, pairs...)
}

// WalkIn are the least answers that walk-in takes.
func WalkIn(pairs ...any) map[string]any {
	return Changed(map[string]any{"givenName": "Lukas", "surname": "Brandt"}, pairs...)
}

func Changed(a map[string]any, pairs ...any) map[string]any {
	a = maps.Clone(a)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(a, pairs[i].(string))
			continue
		}
		a[pairs[i].(string)] = pairs[i+1]
	}
	return a
}
