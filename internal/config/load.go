package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/yamltree"
)

// Env looks up an environment variable and says whether it is set, as
// os.LookupEnv does.
type Env func(name string) (string, bool)

// maxSize is the largest file read, in bytes: a thousand targets fit well.
const maxSize = 1 << 20

// Find returns the file to load: the explicit one when it is named, else
// ./policysync.yaml, else /etc/policysync/policysync.yaml, else "". A file
// that may be there but can't be looked at is an error, so that no other one
// takes its place unnoticed.
func Find(explicit string) (string, error) {
	if explicit != "" {
		return explicit, nil
	}
	for _, path := range []string{"policysync.yaml", "/etc/policysync/policysync.yaml"} {
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("find the config file: %w: make it readable, or name another with --config", err)
		}
	}
	return "", nil
}

// Load reads a file as Parse does. An error is a diagnostic.List when the
// file could be read.
func Load(path string, env Env) (*Config, error) { return load(path, env, false) }

// LoadVars reads a file as Load does, but on another machine than policysync
// runs on: only in the names and Vars of targets must all variables be set that
// stand there. Elsewhere, a value with one that isn't is neither checked nor
// set.
func LoadVars(path string, env Env) (*Config, error) { return load(path, env, true) }

func load(path string, env Env, elsewhere bool) (*Config, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read config: %w: name a file that is there and may be read", err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	return parse(path, text, env, elsewhere)
}

// Parse decodes the text of a file, fills in the defaults and what env sets,
// and checks the whole. The error is a diagnostic.List of all that is wrong;
// path is what it calls the file.
func Parse(path string, text []byte, env Env) (*Config, error) { return parse(path, text, env, false) }

func parse(path string, text []byte, env Env, elsewhere bool) (*Config, error) {
	if len(text) > maxSize {
		return nil, diagnostic.List{{Path: path, Message: "the file is larger than 1 MiB: give each daemon a part of the targets"}}
	}
	f := &findings{file: yamltree.New(path, text), places: map[any]place{}}
	config := &Config{State: defaultState(), Server: defaultServer(), Log: defaultLog()}
	if root, ok := f.root(); ok {
		d := decoder{findings: f, env: env, elsewhere: elsewhere}
		d.value(root, reflect.ValueOf(config).Elem(), wholeFile)
		f.environment(config, env)
		f.check(config)
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	config.clean()
	return config, nil
}
