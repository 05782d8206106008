package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// parsing is a program that does the least that validate could do: it reads all
// files of a folder, and the YAML library makes maps of them.
func parsing() {
	err := filepath.WalkDir(os.Args[1], func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var policy map[string]any
		return yaml.Unmarshal(text, &policy)
	})
	if err != nil {
		fmt.Println(err)
	}
}

// BenchmarkValidate is `policysync validate` from its start to its end, on two
// cores. Some of the files have a finding, and others a
// comment that silences one.
func BenchmarkValidate(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := b.TempDir()
			for i := range n {
				writeManifest(b, filepath.Join(dir, fileOf(i)), i)
			}
			var wall, cpu, ratios, rss []float64
			for b.Loop() {
				used := onCores(b, 2, "measured", "validate", dir)
				if want := fmt.Sprintf("No mistakes in %d policies of %d files.\n%d warnings", n, n, n/100); !strings.Contains(used.out, want) {
					b.Fatalf("got %.500q, want %q", used.out, want)
				}
				peer := onCores(b, 2, "parsing", dir)
				if peer.out != "" {
					b.Fatal(peer.out)
				}
				wall, cpu = append(wall, used.wall.Seconds()*1000), append(cpu, used.cpu.Seconds()*1000)
				ratios = append(ratios, used.cpu.Seconds()/peer.cpu.Seconds())
				rss = append(rss, peakMemory(b, used.out))
			}
			median(b, wall, "wall-ms")
			median(b, cpu, "cpu-ms")
			median(b, ratios, "×yaml")
			median(b, rss, "rss-MiB")
		})
	}
}

func writeManifest(b *testing.B, path string, i int) {
	b.Helper()
	text := textOf(i, "example.com")
	switch i % 100 {
	case 1:
		text = strings.Replace(text, "example.com", "gmail.com", 1)
	case 2:
		text = strings.Replace(text, "{domain: example.com}", "{domain: gmail.com} # policysync:ignore PS105 open to all", 1)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}
