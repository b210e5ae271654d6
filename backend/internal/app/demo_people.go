package app

// Person is somebody one can sign in as in the demo.
type Person struct {
	Name  string   `json:"name"`
	Email string   `json:"email"`
	Roles []string `json:"roles"`
	Story string   `json:"story"`
}

// DemoPeople are those worth meeting first, each with the story that they show.
func DemoPeople() []Person {
	return []Person{
		{Name: "Jonas Becker", Email: "j.becker@contoso.com", Roles: []string{}, Story: "Sponsor: decides what waits in /inbox"},
		{Name: "Ana Ruiz", Email: "a.ruiz@contoso.com", Roles: []string{}, Story: "Second approver: try to decide what Jonas decides"},
		{Name: "Ines Vogel", Email: "i.vogel@contoso.com", Roles: []string{"admin"}, Story: "Administrator: guests, flows, stopped work"},
		{Name: "Tom Adler", Email: "t.adler@contoso.com", Roles: []string{"auditor"}, Story: "Auditor: reads /guests and every timeline"},
		{Name: "Lukas Brandt", Email: "lukas.brandt@fabrikam.de", Roles: []string{}, Story: "Guest: opens his apps at /apps"},
		{Name: "You", Email: "anything@fabrikam.de", Roles: []string{}, Story: "Applicant: sign up at /join/supplier or /join/visitor"},
	}
}
