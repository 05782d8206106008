package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

// The events of lines.
const (
	request = "request" // is about to leave
	outcome = "outcome" // of a request, or of a change of the records alone
)

// line is a line of the file, without its hash.
type line struct {
	Seq       int64          `json:"seq"` // of the chain: the first is 1
	Time      time.Time      `json:"time"`
	Event     string         `json:"event"`
	Target    string         `json:"target"`
	Run       string         `json:"run"`
	Trigger   string         `json:"trigger"`
	Commit    string         `json:"commit"`
	Author    string         `json:"author"`
	Action    string         `json:"action"`
	Key       string         `json:"key"`
	Name      string         `json:"name"`
	ID        string         `json:"id"`
	Direction string         `json:"direction,omitempty"`
	Result    string         `json:"result,omitempty"`
	Error     string         `json:"error,omitempty"`
	Ray       string         `json:"ray,omitempty"`
	Before    *policy.Policy `json:"before,omitempty"`
	After     *policy.Policy `json:"after,omitempty"`
	Prev      string         `json:"prev"` // the hash of the line before; empty in the first
}

// A line's text ends in its hash, which is that of the text without it:
//
//	{"seq":1,…,"prev":"…"}                 what is hashed
//	{"seq":1,…,"prev":"…","hash":"…"}      what is written
const (
	beforeHash = `,"hash":"`
	afterHash  = `"}`
	hashLength = 2 * sha256.Size
)

// seal returns the text of a line with its hash and a line break, and the hash.
func seal(l line) (text []byte, hash string, err error) {
	text, err = json.Marshal(l)
	if err != nil {
		return nil, "", err
	}
	hash = hashOf(text)
	return append(bytes.TrimSuffix(text, []byte("}")), beforeHash+hash+afterHash+"\n"...), hash, nil
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// errNoLine says that a text isn't a line with a hash.
var errNoLine = errors.New("not a line of an audit file")

// errHash says that a line isn't what its hash was made of.
var errHash = errors.New("its hash isn't that of its content: it was changed")

// link is what chains a line to the one before it.
type link struct {
	state.AuditEnd

	prev string
}

// unseal returns the link that a line without its line break is. Its error is
// errNoLine or errHash.
func unseal(text []byte) (link, error) {
	at := len(text) - len(beforeHash) - hashLength - len(afterHash)
	if at < 0 || !bytes.HasPrefix(text[at:], []byte(beforeHash)) || !bytes.HasSuffix(text, []byte(afterHash)) {
		return link{}, errNoLine
	}
	hash := string(text[at+len(beforeHash):][:hashLength])
	content := append(bytes.Clone(text[:at]), '}')
	if hashOf(content) != hash {
		return link{}, errHash
	}
	var l line
	if err := json.Unmarshal(content, &l); err != nil {
		return link{}, errNoLine
	}
	return link{state.AuditEnd{Seq: l.Seq, Hash: hash}, l.Prev}, nil
}

// follows reports whether a line comes right after another.
func (l link) follows(end state.AuditEnd) bool { return l.Seq == end.Seq+1 && l.prev == end.Hash }
