package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/export"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/reconcile"
	"github.com/policysync/policysync/internal/source"
	"github.com/policysync/policysync/internal/tfstate"
)

// managed returns what the Terraform state manages of the account, and tells
// of what it has besides.
func (x *exporter) managed() ([]diff.Claim, error) {
	if x.options.tfstate == "" {
		return nil, nil
	}
	text, err := x.readState()
	if err != nil {
		return nil, err
	}
	all, err := tfstate.Parse(text)
	if err != nil {
		return nil, err
	}
	var claims []diff.Claim
	for _, p := range all {
		switch {
		case p.AppID != "":
			x.complain("Not taken over from Terraform: %s belongs to one application; make it reusable first\n", p.Address)
		case p.Account != x.target.AccountID:
			x.complain("Not taken over from Terraform: %s belongs to another account or to a zone\n", p.Address)
		default:
			claims = append(claims, diff.Claim{ID: p.ID, Key: p.Name})
		}
	}
	return claims, nil
}

func (x *exporter) readState() ([]byte, error) {
	if x.options.tfstate == "-" {
		return io.ReadAll(x.stdin)
	}
	return os.ReadFile(x.options.tfstate)
}

// openFolder decodes what is in the folder already.
func (x *exporter) openFolder(ctx context.Context) (err error) {
	if x.options.out == "" {
		return nil
	}
	var files fs.FS
	if _, err := os.Stat(x.options.out); !errors.Is(err, fs.ErrNotExist) {
		snapshot, err := source.NewDir(x.options.out).Fetch(ctx)
		if err != nil {
			return err
		}
		files = snapshot.FS
	}
	if x.folder, err = export.Open(files, x.target.Vars); err != nil {
		return fmt.Errorf("correct the manifests in %s first, or name another folder: %w", x.options.out, err)
	}
	return nil
}

// look reads the account and what is recorded of it.
func (x *exporter) look(ctx context.Context, cfg *config.Config, records reconcile.Records) error {
	beside := filepath.Dir(cfg.State.Path())
	if x.store == nil {
		beside = ""
	}
	client, err := newClient(x.target, cfg.Targets, newBudgets(beside), event.Sinks{x.sink, newConsole(x.stderr)})
	if err != nil {
		return err
	}
	defer client.Close()
	if err := reconcile.Recall(ctx, records, x.target.Name, &x.now); err != nil {
		return err
	}
	x.sink.Emit(event.Progressed{What: "lists", Done: 0, Total: 1})
	x.now.Now = time.Now()
	if x.now.Live, err = client.List(ctx); err != nil {
		return err
	}
	if x.folder != nil {
		err = x.names(ctx, client)
	}
	x.sink.Emit(event.Progressed{What: "lists", Done: 1, Total: 1})
	return err
}

// names lists what manifests name and policies refer to. A token that may read
// policies need not be allowed to list all else: then ids stay ids.
func (x *exporter) names(ctx context.Context, client *cloudflare.Client) error {
	named, other := x.folder.References(x.now.Live)
	x.things = map[policy.Reference][]policy.Thing{}
	for i, kind := range append(named, other...) {
		x.sink.Emit(event.Progressed{What: "lists", Done: i + 1, Total: len(named) + len(other) + 1})
		if _, known := x.things[kind]; known {
			continue
		}
		listed, err := client.Things(ctx, kind)
		answer, known := errors.AsType[*cloudflare.Error](err)
		switch {
		case err == nil:
			maps.Copy(x.things, listed)
		case known && answer.Permanent() && i >= len(named):
			x.complain("Warning: ids of %ss stay ids: %s\n", kind, err)
		default:
			return err
		}
	}
	return nil
}
