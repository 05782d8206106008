package config_test

import (
	"fmt"

	"github.com/policysync/policysync/internal/config"
)

func ExampleParse() {
	text := []byte(`
targets:
  - name: Production
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    source: {url: https://git.example.com/access.git}
    scheduel: "@hourly"
`)
	_, err := config.Parse("policysync.yaml", text, atHome())
	fmt.Println(err)
	// Output:
	// policysync.yaml:3:11: name is "Production": want only a-z, 0-9 and -
	//       - name: Production
	//               ^
	// policysync.yaml:6:5: unknown key "scheduel": did you mean "schedule"?
	//         scheduel: "@hourly"
	//         ^
}
