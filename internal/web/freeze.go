package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/visitor"
)

// Freezer knows and sets freeze switches. It is used concurrently.
type Freezer interface {
	// InForce returns the switches that are set, wherever that is.
	InForce() []guard.Freeze

	// Freeze puts these switches in place of those that were set here before;
	// none lifts them. The reason, and by whom, are for people.
	Freeze(set []guard.Switch, reason, by string) error
}

// maxBody is the size of the largest request body taken, in bytes.
const maxBody = 4 << 10

// freezeRequest is the body of POST /api/v1/freeze.
type freezeRequest struct {
	Switches *[]guard.Switch `json:"switches"` // required, so that a slip lifts nothing
	Reason   string          `json:"reason"`
}

// freezeState is the answer to both methods.
type freezeState struct {
	Freeze []freezeSwitch `json:"freeze"`
}

type freezeSwitch struct {
	Switch guard.Switch `json:"switch"`
	Where  string       `json:"where"` // it is set
}

func (o Options) frozen(w http.ResponseWriter, _ *http.Request) {
	state := freezeState{[]freezeSwitch{}}
	for _, f := range o.Freezer.InForce() {
		state.Freeze = append(state.Freeze, freezeSwitch{f.Switch, f.Where})
	}
	respond(w, http.StatusOK, state)
}

func (o Options) freeze(w http.ResponseWriter, r *http.Request) {
	var request freezeRequest
	if !read(w, r, &request) {
		return
	}
	if request.Switches == nil || slices.Contains(*request.Switches, "") { // null leaves either as it was
		fail(w, http.StatusBadRequest, `"switches" is missing or has a null in it: name those to set, or none, [], to lift them`)
		return
	}
	if err := o.Freezer.Freeze(*request.Switches, request.Reason, visitor.Of(r.Context()).Name); err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	o.frozen(w, r)
}

// read decodes the body, or answers why it can't and reports false.
func read(w http.ResponseWriter, r *http.Request, to any) bool {
	err := decode(http.MaxBytesReader(w, r.Body, maxBody), to)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", maxBody))
	} else if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
	}
	return err == nil
}

// decode reads one JSON object and nothing else.
func decode(body io.Reader, to any) error {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return fmt.Errorf("the body is not what is asked for: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.Join(errors.New("there is more than one object in the body"), err)
	}
	return nil
}

// fail answers with what went wrong, as JSON.
func fail(w http.ResponseWriter, status int, problem string) {
	respond(w, status, map[string]string{"error": problem})
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the one who asked is gone: nobody is left to tell
}
