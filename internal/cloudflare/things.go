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
// and of kinds that it lists along with them, each in the account's order: all of
// it, or an error. What it has no list of is an error too: see
// policy.Reference.Named.
func (c *Client) Things(ctx context.Context, kind policy.Reference) (map[policy.Reference][]policy.Thing, error) {
	operation, path, types := shelf(kind)
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
	things := map[policy.Reference][]policy.Thing{kind: {}}
	for _, k := range types {
		things[k] = []policy.Thing{}
	}
	for _, e := range all {
		k, known := kind, true
		if types != nil {
			k, known = types[e.Type]
		}
		if known {
			things[k] = append(things[k], policy.Thing{ID: e.ID, Name: e.Name, Type: e.Type})
		}
	}
	return things, nil
}

// shelf returns where the account lists a kind of things and, where it lists
// others there too, by their types which.
func shelf(kind policy.Reference) (operation Operation, path string, types map[string]policy.Reference) {
	switch kind {
	case policy.ToGroup:
		return OpListGroups, "/access/groups", nil
	case policy.ToServiceToken:
		return OpListServiceTokens, "/access/service_tokens", nil
	case policy.ToProvider:
		return OpListProviders, "/access/identity_providers", nil
	case policy.ToApp:
		return OpListApps, "/access/apps", nil
	case policy.ToPosture:
		return OpListPosture, "/devices/posture", nil
	case policy.ToEmailList, policy.ToIPList:
		return OpListLists, "/gateway/lists", map[string]policy.Reference{"EMAIL": policy.ToEmailList, "IP": policy.ToIPList}
	default:
		return "", "", nil
	}
}
