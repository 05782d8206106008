package manifest_test

import (
	"fmt"
	"testing/fstest"

	"github.com/policysync/policysync/internal/manifest"
)

func ExampleDecode() {
	folder := fstest.MapFS{
		"engineering.yaml": {Data: []byte(`
name: Engineering
decision: allow
include:
  - email_domain: {domain: example.com}
`)},
		"sales.yaml": {Data: []byte(`
name: Sales
decision: alow
include:
  - emial: {email: ann@example.com}
`)},
	}
	_, err := manifest.Decode(folder)
	fmt.Println(err)

	delete(folder, "sales.yaml")
	set, err := manifest.Decode(folder)
	fmt.Println(set.Policies[0].Name, set.Policies[0].Include, err)
	// Output:
	// sales.yaml:3:11: decision: unknown value "alow": did you mean "allow"?
	//     decision: alow
	//               ^
	// sales.yaml:5:5: unknown rule kind "emial": did you mean "email"?
	//       - emial: {email: ann@example.com}
	//         ^
	// Engineering [{email_domain map[domain:example.com]}] <nil>
}
