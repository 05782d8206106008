package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"gopkg.in/yaml.v3"

	"github.com/policysync/policysync/internal/secret"
)

const hidden = "hunter2-hunter2"

func TestNoWayOfPrintingShowsASecret(t *testing.T) {
	t.Parallel()
	type holder struct {
		Name   string
		Token  secret.Value
		hidden secret.Value
	}
	h := holder{"h", secret.New(hidden), secret.New(hidden)}
	var logged bytes.Buffer
	logger := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{}), zapcore.AddSync(&logged), zap.DebugLevel))
	logger.Info("m", zap.Any("value", h.Token), zap.Any("holder", h), zap.Stringer("s", h.Token), zap.Reflect("r", h))
	asJSON, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string]string{
		"%v": fmt.Sprintf("%v %v", h.Token, h), "%+v": fmt.Sprintf("%+v %+v", h.Token, &h), "%#v": fmt.Sprintf("%#v %#v", h.Token, h),
		"%s": fmt.Sprintf("%s", h.Token), "%q": fmt.Sprintf("%q", h.Token), "%x": fmt.Sprintf("%x", h.Token),
		"json": string(asJSON), "yaml": string(asYAML), "log": logged.String(),
	} {
		if strings.Contains(text, hidden) || strings.Contains(text, fmt.Sprintf("%x", hidden)) {
			t.Errorf("%s shows the secret: %s", form, text)
		}
	}
	for form, text := range map[string]string{
		"%v": fmt.Sprint(h.Token), "%#v": fmt.Sprintf("%#v", h.Token), "json": string(asJSON), "yaml": string(asYAML), "log": logged.String(),
	} {
		if !strings.Contains(text, secret.Redacted) {
			t.Errorf("%s doesn't say that something is hidden: %s", form, text)
		}
	}
	if h.Token.Reveal() != hidden || h.hidden.Reveal() != hidden {
		t.Error("the secret itself is lost")
	}
	if !(secret.Value{}).IsZero() || h.Token.IsZero() {
		t.Error("an empty secret isn't told from a set one")
	}
}

func TestSourceReadsAgainEachTime(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	source := secret.Source{File: file, Env: "POLICYSYNC_TEST_NOT_SET"}
	for content, want := range map[string]string{"one": "one", "two\n": "two", "three\r\n": "three", " four ": " four "} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := source.Read()
		if err != nil || got.Reveal() != want {
			t.Errorf("file %q gives %q, %v; want %q", content, got.Reveal(), err, want)
		}
	}
	if err := os.WriteFile(file, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := source.Read(); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("an empty file gives %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := source.Read(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
}

func TestSourceFallsBackToTheEnvironment(t *testing.T) {
	t.Setenv("POLICYSYNC_TEST_TOKEN", hidden)
	got, err := secret.Source{Env: "POLICYSYNC_TEST_TOKEN"}.Read()
	if err != nil || got.Reveal() != hidden {
		t.Errorf("got %q, %v", got.Reveal(), err)
	}
	_, err = secret.Source{Env: "POLICYSYNC_TEST_NOT_SET"}.Read()
	if !errors.Is(err, secret.ErrNotSet) || !strings.Contains(err.Error(), "POLICYSYNC_TEST_NOT_SET") {
		t.Errorf("an unset variable gives %v", err)
	}
	if _, err = (secret.Source{}).Read(); !errors.Is(err, secret.ErrNotSet) {
		t.Errorf("no place at all gives %v", err)
	}
}

func ExampleValue() {
	token := secret.New("hunter2")
	fmt.Println(token)
	// Output: [redacted]
}
