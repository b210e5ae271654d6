package journeys

import "maps"

// The flows of the stories; testdata/flows has their files.
const (
	partner   = "partner"   // jonas or ana decides
	visitors  = "walk-in"   // approves by itself
	closedOne = "closed"    // takes nobody
	twoStages = "two-steps" // jonas, then ana
	scarce    = "scarce"    // three requests a day
	company   = "company"   // only addresses of *.fabrikam.example and corp.example
)

// answered are the least answers that partner, two-steps, scarce and company take, changed by pairs of name and value;
// a nil value leaves the name out.
func answered(pairs ...any) map[string]any {
	a := map[string]any{"givenName": "Maria", "surname": "Lindqvist", "company": "Fabrikam GmbH", "reason": "deliver"}
	return changed(a, pairs...)
}

// walkIn are the least answers that walk-in takes.
func walkIn(pairs ...any) map[string]any {
	return changed(map[string]any{"givenName": "Lukas", "surname": "Brandt"}, pairs...)
}

func changed(a map[string]any, pairs ...any) map[string]any {
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
