package cloudflare

import (
	"context"
	"fmt"

	"github.com/policysync/policysync/internal/policy"
)

// The operations of Things.
const (
	OpListGroups        Operation = "list_groups"
	OpListServiceTokens Operation = "list_service_tokens"
	OpListProviders     Operation = "list_identity_providers"
	OpListPosture       Operation = "list_posture_rules"
	OpListLists         Operation = "list_lists"
)

// Things returns what the account has of a kind of things that rules refer to,
// in the account's order: all of it, or an error. What it has no list of is an
// error too: see policy.Reference.Named.
func (c *Client) Things(ctx context.Context, kind policy.Reference) ([]policy.Thing, error) {
	operation, path, only := shelf(kind)
	if path == "" {
		return nil, &Error{Err: fmt.Errorf("the account has no list of what is called %s", kind)}
	}
	type entry struct{ ID, Name, Type string }
	all, err := list(ctx, c, listing[entry]{
		operation: operation, path: "/accounts/" + c.options.AccountID + path, decode: decodeAll[entry],
		id: func(e entry) string { return e.ID }, onePage: kind == policy.ToPosture || operation == OpListLists,
	})
	if err != nil {
		return nil, err
	}
	things := make([]policy.Thing, 0, len(all))
	for _, e := range all {
		if only == "" || e.Type == only {
			things = append(things, policy.Thing{ID: e.ID, Name: e.Name, Type: e.Type})
		}
	}
	return things, nil
}

// shelf returns where the account lists a kind of things and, where it lists
// others there too, which type these are of.
func shelf(kind policy.Reference) (operation Operation, path, only string) {
	switch kind {
	case policy.ToGroup:
		return OpListGroups, "/access/groups", ""
	case policy.ToServiceToken:
		return OpListServiceTokens, "/access/service_tokens", ""
	case policy.ToProvider:
		return OpListProviders, "/access/identity_providers", ""
	case policy.ToApp:
		return OpListApps, "/access/apps", ""
	case policy.ToPosture:
		return OpListPosture, "/devices/posture", ""
	case policy.ToEmailList:
		return OpListLists, "/gateway/lists", "EMAIL"
	case policy.ToIPList:
		return OpListLists, "/gateway/lists", "IP"
	default:
		return "", "", ""
	}
}
