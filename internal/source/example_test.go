package source_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/policysync/policysync/internal/source"
)

// seed makes a repository with one commit on main.
func seed(dir string) error {
	policies := filepath.Join(dir, "policies")
	if err := os.MkdirAll(policies, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(policies, "staff.yaml"), []byte("name: Staff\n"), 0o600); err != nil {
		return err
	}
	const script = `git init -q -b main && git add . && git -c user.name=Ada -c user.email=ada@example.com commit -q -m "Add staff"`
	c := exec.CommandContext(context.Background(), "sh", "-c", script)
	c.Dir = dir
	return c.Run()
}

func ExampleGit_Fetch() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	repository := filepath.Join(dir, "access")
	if err := seed(repository); err != nil {
		fmt.Println(err)
		return
	}

	git, err := source.NewGit(source.Options{
		URL: repository, Branch: "main", Path: "policies", CacheDir: filepath.Join(dir, "git"), Timeout: time.Minute,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	snapshot, err := git.Fetch(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	policy, err := fs.ReadFile(snapshot.FS, "staff.yaml")
	fmt.Printf("%s, %s: %s%v\n", snapshot.Author, snapshot.Subject, policy, err)

	again, err := git.Fetch(context.Background())
	fmt.Println("the same snapshot:", again == snapshot, err)
	// Output:
	// Ada <ada@example.com>, Add staff: name: Staff
	// <nil>
	// the same snapshot: true <nil>
}
