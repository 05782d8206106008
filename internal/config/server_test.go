package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/diagnostic"
)

func TestOthersMayReachTheServerOnlyWhereTheyMustSignIn(t *testing.T) {
	t.Parallel()
	const access = "access: {team_domain: x.cloudflareaccess.com, audience: abc}"
	for _, tc := range []struct {
		listen, with string
		refused      bool
	}{
		{":8080", "", true},
		{"0.0.0.0:8080", "", true},
		{"[::]:8080", "", true},
		{"192.0.2.1:8080", "", true},
		{"10.0.0.1:0", "", true},
		{"[fe80::1%eth0]:8080", "", true},
		{"[::ffff:192.0.2.1]:8080", "", true},
		{"policysync.example.com:8080", "", true},
		{"localhost.example.com:8080", "", true},
		{"127.0.0.1.example.com:8080", "", true},
		{"2130706433:8080", "", true}, // a name to Go, and in doubt public
		{"127.0.0.1:8080", "", false},
		{"127.1.2.3:8080", "", false},
		{"[::1]:8080", "", false},
		{"[::ffff:127.0.0.1]:8080", "", false},
		{"localhost:8080", "", false},
		{"LocalHost:8080", "", false},
		{":8080", "insecure_public: true", false},
		{":8080", "insecure_public: false", true},
		{":8080", "api_token_file: /run/secrets/token", false},
		{":8080", "api_token_file: ''", true},
		{":8080", access, false},
		{":8080", "access: {}", true},
		{"localhost:8080", access, false},
	} {
		t.Run(tc.listen+" "+tc.with, func(t *testing.T) {
			t.Parallel()
			text := minimal + "server:\n  listen: '" + tc.listen + "'\n"
			if tc.with != "" {
				text += "  " + tc.with + "\n"
			}
			_, err := config.Parse("policysync.yaml", []byte(text), atHome())
			found, _ := errors.AsType[diagnostic.List](err)
			if refused := len(found) == 1 && strings.Contains(found[0].Message, "others could look there without signing in"); refused != tc.refused || !refused && err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}
