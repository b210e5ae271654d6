// Package compose holds docker-compose.yml to what its users rely on. It has no code of its own.
package compose

import (
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func load(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../../docker-compose.yml"}, cli.WithName("vestibule"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context()) // refuses a misspelt key
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestCompose_hasTheThreeThatAreNeeded(t *testing.T) {
	project := load(t)
	for _, name := range []string{"vestibule", "postgres", "mailpit"} {
		service, err := project.GetService(name)
		if err != nil {
			t.Fatalf("%s is missing: docker compose up starts the portal, its database and a mail catcher", name)
		}
		if service.HealthCheck == nil || len(service.HealthCheck.Test) == 0 {
			t.Errorf("%s has no health check, so what depends on it would start too early", name)
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes port %s on every interface: an evaluation belongs on loopback", name, port.Published)
			}
		}
	}
}

func TestCompose_runsThePortalWithoutRights(t *testing.T) {
	service, err := load(t).GetService("vestibule")
	if err != nil {
		t.Fatal(err)
	}
	if !service.ReadOnly {
		t.Error("the root file system is writable")
	}
	if service.User == "" || service.User == "0" || service.User == "root" {
		t.Errorf("runs as %q, not as a user without rights", service.User)
	}
	if len(service.CapDrop) != 1 || service.CapDrop[0] != "ALL" {
		t.Errorf("drops the capabilities %v, not ALL", service.CapDrop)
	}
}

func TestCompose_hasNoSecretInIt(t *testing.T) {
	for name, service := range load(t).Services {
		for key, value := range service.Environment {
			if value == nil {
				continue
			}
			switch key {
			case "POSTGRES_PASSWORD", "VESTIBULE_SECRET_KEY", "VESTIBULE_DATABASE_URL", "VESTIBULE_SMTP_PASSWORD":
				t.Errorf("%s sets %s in the file; secrets come from the volume that the service `secrets` fills", name, key)
			}
		}
	}
}

func TestCompose_startsThePortalAfterItsDatabaseAndStopsItBefore(t *testing.T) {
	project := load(t)
	for _, name := range []string{"vestibule", "demo"} {
		service, err := project.GetService(name)
		if err != nil {
			t.Fatal(err)
		}
		if on := service.DependsOn["postgres"]; on.Condition != types.ServiceConditionHealthy {
			t.Errorf("%s does not wait for PostgreSQL itself (%q), and would be stopped after it", name, on.Condition)
		}
	}
	postgres, err := project.GetService("postgres")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(postgres.HealthCheck.Test, func(word string) bool { return strings.Contains(word, "pg_isready -h 127.0.0.1 ") }) {
		t.Errorf("PostgreSQL is asked by %q: on its socket it answers while the image still sets it up, and then goes away", postgres.HealthCheck.Test)
	}
}
