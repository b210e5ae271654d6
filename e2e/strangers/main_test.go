package strangers

import (
	"testing"

	"github.com/vestibule-id/vestibule/e2e/story"
)

func TestMain(m *testing.M) { story.Main(m) }
