package webhook

import (
	"encoding/json"
	"errors"
	"time"
)

// dataCenterPing is the event of the button "Test connection" of Bitbucket Data
// Center. It isn't signed, whatever secret is set.
const dataCenterPing = "diagnostics:ping"

// bitbucketLink is a link; where the others have one, Data Center has several.
type bitbucketLink struct{ Href string }

// parseBitbucket parses the payloads of Bitbucket Cloud (repo:push) and Data
// Center (repo:refs_changed).
func parseBitbucket(event string, body []byte) (notice, error) {
	var p struct {
		Actor struct {
			Nickname, Name string
		}
		Repository struct {
			FullName string `json:"full_name"` // of Cloud
			Links    struct {
				HTML  bitbucketLink
				Clone []bitbucketLink
			}
		}
		Push    struct{ Changes []cloudChange }
		Changes json.RawMessage // of Cloud's other events: an object
		Date    string
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return notice{}, err
	}
	n := notice{ping: event == dataCenterPing, pusher: person{Login: p.Actor.Nickname, Name: p.Actor.Name}.or(person{})}
	for _, link := range append(p.Repository.Links.Clone, p.Repository.Links.HTML) {
		n.locations = append(n.locations, present(link.Href)...)
	}
	if p.Repository.FullName != "" {
		n.locations = append(n.locations, "https://bitbucket.org/"+p.Repository.FullName)
	}
	switch event {
	case "repo:push", "":
		for _, c := range p.Push.Changes {
			n.updates = append(n.updates, c.update())
		}
	case "repo:refs_changed":
		var changes []dataCenterChange
		if err := json.Unmarshal(p.Changes, &changes); err != nil {
			return n, err
		}
		for _, c := range changes {
			n.updates = append(n.updates, update{c.Ref.ID, c.ToHash, c.Type == "DELETE"})
		}
		n.at, _ = time.Parse("2006-01-02T15:04:05-0700", p.Date) // else it isn't told
	default:
		return n, nil
	}
	if len(n.locations) == 0 || len(n.updates) == 0 {
		return n, errors.New("repository.links or changes are missing")
	}
	return n, nil
}

// cloudChange is what Bitbucket Cloud says of a ref.
type cloudChange struct {
	New, Old *struct {
		Type, Name string
		Target     struct{ Hash string }
	}
}

func (c cloudChange) update() update {
	switch {
	case c.New != nil:
		return update{fullRef(c.New.Name, c.New.Type), c.New.Target.Hash, false}
	case c.Old != nil:
		return update{fullRef(c.Old.Name, c.Old.Type), "", true}
	default:
		return update{}
	}
}

// dataCenterChange is what Bitbucket Data Center says of a ref.
type dataCenterChange struct {
	Ref          struct{ ID string }
	ToHash, Type string
}
