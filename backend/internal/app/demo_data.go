package app

import (
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
)

type demoMember struct {
	name, mail, title, locale string
	roles, groups             []string
}

func (m demoMember) member() directory.NewMember {
	given, family := split(m.name)
	return directory.NewMember{
		Name: m.name, GivenName: given, Surname: family, Mail: mustAddress(m.mail), JobTitle: m.title, Locale: m.locale, Roles: m.roles, Groups: m.groups,
	}
}

// applicant is somebody who signs up, and what they answer.
type applicant struct {
	flow, name, mail, company, job, phone, country, locale string
	why, site, purpose, contact                            string
}

// answers are those that this version of the flow asks for: the demo's flows may change without this file.
func (a applicant) answers(version *flow.Version) map[string]any {
	given, family := split(a.name)
	known := map[string]any{
		version.Profile.GivenName: given, version.Profile.Surname: family, version.Profile.Name: a.name,
		version.Profile.Organisation: a.company, version.Profile.JobTitle: a.job, version.Profile.Phone: a.phone,
		version.Profile.Country: a.country, version.Profile.Purpose: a.purpose,
	}
	return demoAnswers(version, known, a)
}

type demoGuest struct {
	applicant
	daysAgo, minute int
	sponsor         string
	seen            int // days since the last sign-in; 0: never
	endsIn          int // days from now; 0: as the flow says
	deny            string
}

type demoRequest struct {
	applicant
	ago         time.Duration
	ask, answer string
}

var (
	demoMembers = []demoMember{
		{"Jonas Becker", "j.becker@contoso.com", "Site manager, Hamburg", "en", nil, []string{"hamburg-site-team"}},
		{"Ana Ruiz", "a.ruiz@contoso.com", "Procurement", "en", nil, []string{"hamburg-site-team"}},
		{"Karin Vogt", "k.vogt@contoso.com", "Maintenance lead", "de", nil, []string{"hamburg-site-team"}},
		{"Ines Vogel", "i.vogel@contoso.com", "Identity team", "en", []string{"admin"}, nil},
		{"Tom Adler", "t.adler@contoso.com", "Internal audit", "en", []string{"auditor"}, nil},
		{"Omar Haddad", "o.haddad@contoso.com", "Platform operations", "ar", []string{"operator"}, nil},
	}
	demoGroups = []directory.Group{
		{Name: "hamburg-site-team", Title: "Hamburg site team"},
		{Name: "partners-hamburg", Title: "Partners Hamburg", Description: "Guests who work at the Hamburg site"},
		{Name: "visitors", Title: "Visitors", Description: "Guests with a visit planned"},
	}
	demoOrganisations = []directory.Organisation{
		{Name: "Fabrikam GmbH", Domain: "fabrikam.de"},
		{Name: "Northwind Traders", Domain: "northwind.com"},
		{Name: "Adatum Sp. z o.o.", Domain: "adatum.pl"},
		{Name: "Litware B.V.", Domain: "litware.nl"},
		{Name: "Proseware Ltd", Domain: "proseware.co.uk"},
		{Name: "Tailspin Toys", Domain: "tailspin.com.tr"},
	}
	demoApps = []directory.App{
		demoApp("drawings", "Drawings library", "", "Ana Ruiz", "Plans and parts lists", "Pläne und Stücklisten", "المخططات وقوائم القطع"),
		demoApp("tickets", "Ticket desk", "", "Karin Vogt", "Report a fault and follow it", "Störungen melden und verfolgen", "أبلغ عن عطل وتابعه"),
		demoApp("supplier-portal", "Supplier portal", "", "Ana Ruiz", "Orders and delivery notes", "Bestellungen und Lieferscheine", "الطلبات وإشعارات التسليم"),
		demoApp("site-map", "Site access", "Hamburg project", "Jonas Becker", "Your gate pass and visits", "Torausweis und Besuche", "تصريح الدخول والزيارات"),
		demoApp("invoices", "Invoices", "Hamburg project", "Ana Ruiz", "Send one and follow it", "Rechnungen senden und verfolgen", "أرسل فاتورة وتابعها"),
		demoApp("training", "Safety training", "Hamburg project", "Karin Vogt", "Required before work on site", "Vor der Arbeit vor Ort nötig", "مطلوب قبل العمل في الموقع"),
	}
)

func demoApp(name, title, collection, owner, en, de, ar string) directory.App {
	logo := map[string]string{"site-map": "app-site", "supplier-portal": "app-supplier"}[name]
	if logo == "" {
		logo = "app-" + name
	}
	a := directory.App{
		Name: name, Title: title, Collection: collection, Owner: owner,
		LaunchURL: "https://" + name + ".contoso.example/", Logo: "/assets/apps/" + logo + ".svg",
	}
	a.Description.V = map[string]string{"en": en, "de": de, "ar": ar}
	return a
}

func supplier(name, mail, company, job, country, why, site, purpose, contact string) applicant {
	return applicant{
		flow: "supplier", name: name, mail: mail, company: company, job: job, phone: "+4940123456", country: country, locale: "en",
		why: why, site: site, purpose: purpose, contact: contact,
	}
}

func visitor(name, mail, company, country, purpose string) applicant {
	return applicant{flow: "visitor", name: name, mail: mail, company: company, job: "", phone: "+4940123456", country: country, locale: "en", purpose: purpose}
}

const (
	jonas = "j.becker@contoso.com"
	ana   = "a.ruiz@contoso.com"
	karin = "k.vogt@contoso.com"
)

var demoGuests = []demoGuest{
	{supplier("Erik Sandberg", "e.sandberg@northwind.com", "Northwind Traders", "Driver", "SE", "deliver", "", "Weekly deliveries of packaging", ana), 342, 5, ana, 190, 0, ""},
	{supplier("Emre Yıldız", "emre.yildiz@tailspin.com.tr", "Tailspin Toys", "Buyer", "TR", "else", "", "Prototype parts for the spring line", karin), 205, 12, karin, 102, 99, ""},
	{supplier("Layla Mansour", "layla.mansour@fabrikam.de", "Fabrikam GmbH", "Project lead", "DE", "maintain", "hamburg", "Pump overhaul, hall 2", jonas), 176, 22, jonas, 9, 0, ""},
	{supplier("Lukas Brandt", "lukas.brandt@fabrikam.de", "Fabrikam GmbH", "Service engineer", "DE", "maintain", "hamburg", "Compressor maintenance, all halls", jonas), 171, 8, jonas, 3, 9, ""},
	{supplier("Sofia Almeida", "sofia.almeida@northwind.com", "Northwind Traders", "Account manager", "PT", "deliver", "", "Framework contract for packaging", ana), 150, 31, ana, 3, 0, ""},
	{supplier("Hana Kobayashi", "h.kobayashi@northwind.com", "Northwind Traders", "Quality engineer", "JP", "deliver", "", "Incoming goods inspection", ana), 122, 3, ana, 2, 0, ""},
	{supplier("Bianca Conti", "bianca.conti@northwind.com", "Northwind Traders", "Auditor", "IT", "else", "", "Audit of delivery papers", ana), 118, 44, ana, 4, 13, ""},
	{supplier("Viktor Novak", "viktor.novak@gmail.com", "Novak Gerüstbau", "Owner", "CZ", "else", "", "Offer for scaffolding", ""), 110, 17, jonas, 0, 0, "We work with scaffolders only through our framework partner. Ask them to name you, then apply again."},
	{supplier("Katarzyna Nowicka", "k.nowicka@adatum.pl", "Adatum Sp. z o.o.", "Crane inspector", "PL", "maintain", "gdansk", "Yearly crane inspection", karin), 96, 26, karin, 5, 130, ""},
	{supplier("Femke Jansen", "f.jansen@litware.nl", "Litware B.V.", "Planner", "NL", "deliver", "", "Just-in-time deliveries, Rotterdam", ana), 80, 9, ana, 9, 71, ""},
	{supplier("Daniel Hughes", "daniel.hughes@fabrikam.de", "Fabrikam GmbH", "Commissioning engineer", "GB", "maintain", "rotterdam", "Commissioning of line 4", jonas), 61, 13, jonas, 0, 0, ""},
	{supplier("Mei Chen", "mei.chen@northwind.com", "Northwind Traders", "Logistics", "SG", "deliver", "", "Container slots and papers", ana), 44, 38, ana, 12, 0, ""},
	{supplier("Noah Fischer", "noah.fischer@fabrikam.de", "Fabrikam GmbH", "Apprentice", "DE", "maintain", "hamburg", "With Lukas Brandt, compressors", jonas), 33, 7, jonas, 6, 25, ""},
	{supplier("Agnieszka Zielińska", "a.zielinska@adatum.pl", "Adatum Sp. z o.o.", "Rope access technician", "PL", "maintain", "gdansk", "Roof inspection, hall 5", karin), 27, 19, karin, 8, 0, ""},
	{supplier("Ruben Visser", "r.visser@litware.nl", "Litware B.V.", "Driver", "NL", "deliver", "", "Night deliveries in December", ana), 15, 11, ana, 1, 0, ""},
	{visitor("Grace Mensah", "grace@proseware.co.uk", "Proseware Ltd", "GB", "Planning workshop"), 5, 21, "", 4, 0, ""},
	{visitor("Oliver Grant", "oliver.grant@proseware.co.uk", "Proseware Ltd", "GB", "Planning workshop"), 5, 33, "", 5, 0, ""},
	{visitor("Isabel Duarte", "isabel.duarte@northwind.com", "Northwind Traders", "PT", "Tour of hall 1"), 40, 27, "", 39, 0, ""},
}

var demoWaiting = []demoRequest{
	{supplier("Yuki Tanaka", "y.tanaka@northwind.com", "Northwind Traders", "Buyer", "JP", "deliver", "", "New buyer for packaging", ana), 76 * time.Hour, "", ""},
	{supplier("Pieter de Vries", "p.devries@litware.nl", "Litware B.V.", "Fleet manager", "NL", "deliver", "", "Replaces Femke Jansen from January", ana), 52 * time.Hour, "Will Femke keep her access until the end of January?", ""},
	{supplier("Chiara Romano", "chiara.romano@northwind.com", "Northwind Traders", "Auditor", "IT", "else", "", "Audit of delivery papers, week 48", ""), 27 * time.Hour, "", ""},
	{supplier("Sam Okafor", "sam.okafor@gmail.com", "Okafor Scaffolding", "Owner", "GB", "else", "", "Scaffolding for the roof, hall 1", ""), 22 * time.Hour, "", ""},
	{supplier("Aylin Demir", "aylin.demir@fabrikam.de", "Fabrikam GmbH", "Service engineer", "DE", "maintain", "hamburg", "Takes over from Lukas Brandt", jonas), 6 * time.Hour, "", ""},
	{supplier("Tomasz Wójcik", "t.wojcik@adatum.pl", "Adatum Sp. z o.o.", "Crane inspector", "PL", "maintain", "gdansk", "Crane inspection, yearly", jonas), 5 * time.Hour, "", ""},
	{
		supplier("Maria Lindqvist", "maria.lindqvist@fabrikam.de", "Fabrikam GmbH", "Service engineer", "SE", "maintain", "hamburg", "Compressor maintenance in hall 3. We start on 30 November and need the current drawings.", jonas), 84 * time.Minute,
		"Which hall do you need drawings for? We can open them hall by hall.", "Hall 3 and the pump room behind it. We start on the compressors on 30 November.",
	},
}
