package stack

import (
	"errors"
	"os"
	"os/exec"
)

// Chromium returns the path of a browser and where it was found: VESTIBULE_TEST_CHROMIUM, then PATH. Playwright's own
// is tried by browser/playwright.config.ts when this finds none.
func Chromium() (path, from string, err error) {
	if path = os.Getenv("VESTIBULE_TEST_CHROMIUM"); path != "" {
		if !executable(path) {
			return "", "", errors.New("VESTIBULE_TEST_CHROMIUM names no program: " + path)
		}
		return path, "VESTIBULE_TEST_CHROMIUM", nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, lookErr := exec.LookPath(name); lookErr == nil {
			return found, "PATH", nil
		}
	}
	return "", "", errors.New("no Chromium: run scripts/ensure-chromium.sh, or set VESTIBULE_TEST_CHROMIUM")
}
