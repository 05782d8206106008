package deploy_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/opencontainers/go-digest"
)

// TestDockerFindsNothingAmissInTheDockerfile has the checks of `docker build
// --check` look, which need no daemon.
func TestDockerFindsNothingAmissInTheDockerfile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		read(t, filepath.Join("..", "..", "Dockerfile")): 0,
		"FROM scratch AS Program\nMAINTAINER me\n":       2, // else they wouldn't look
	} {
		source := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", []byte(text))
		source.Definition = &llb.Definition{}
		found, err := dockerfile2llb.DockerfileLint(t.Context(), []byte(text), dockerfile2llb.ConvertOpt{SourceMap: source, MetaResolver: nowhere{}})
		if err != nil {
			t.Fatal(err)
		}
		if len(found.Warnings) != want || found.Error != nil {
			t.Errorf("found %v, error %v, want %d in:\n%s", found.Warnings, found.Error, want, text)
		}
	}
}

// nowhere knows all images, and nothing of them.
type nowhere struct{}

func (nowhere) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, "", []byte("{}"), nil
}
