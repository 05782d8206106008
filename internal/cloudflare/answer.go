package cloudflare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

const (
	// maxAnswer bounds an answer's body, in bytes. A list of 1000 policies of
	// 1000 rules each fits.
	maxAnswer = 64 << 20

	maxErrors  = 10  // of an answer's errors, the most that are kept
	maxExcerpt = 160 // bytes of a page quoted in an error
	maxMessage = 500 // bytes of each text of Cloudflare's
)

// answer is what a request brought: success, in Cloudflare's own form.
type answer struct {
	status int
	ray    string
	result json.RawMessage
	info   *resultInfo
}

// resultInfo tells which part of a list an answer holds. Pointers, because
// nothing may be concluded from a number that isn't there.
type resultInfo struct {
	TotalCount *int `json:"total_count"`
	TotalPages *int `json:"total_pages"`
}

// pages returns how many pages the list has: as it says, else as was known
// before, else as many as it takes if all are as full as the first.
func (i resultInfo) pages(known, perPage int) int {
	switch {
	case i.TotalPages != nil:
		return *i.TotalPages
	case known > 0 || perPage == 0:
		return known
	default:
		return (*i.TotalCount + perPage - 1) / perPage
	}
}

// envelope is the form of every answer of Cloudflare's (api-response-common).
type envelope struct {
	Success *bool `json:"success"`
	Errors  []struct {
		Code             int    `json:"code"`
		Message          string `json:"message"`
		DocumentationURL string `json:"documentation_url"`
		Source           struct {
			Pointer string `json:"pointer"`
		} `json:"source"`
	} `json:"errors"`
	Result json.RawMessage `json:"result"`
	Info   *resultInfo     `json:"result_info"`
}

// read reads a body to its end, and fails on one beyond the bound.
func read(body io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	if len(text) > maxAnswer {
		return nil, fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)
	}
	return text, nil
}

// decode takes an answer apart. What Cloudflare says is wrong is returned as
// it stands in the answer, what we find wrong as an error; neither means
// success.
func decode(status int, text []byte, scrub func(string) string) (answer, []APIError, error) {
	clean := func(s string, longest int) string { return oneLine(scrub(s), longest) }
	var e envelope
	if err := json.Unmarshal(text, &e); err != nil {
		return answer{}, nil, notJSON(text, err, clean)
	}
	var said []APIError
	for _, entry := range e.Errors[:min(len(e.Errors), maxErrors)] {
		said = append(said, APIError{
			entry.Code, clean(entry.Message, maxMessage), clean(entry.Source.Pointer, maxMessage), clean(entry.DocumentationURL, maxMessage),
		})
	}
	switch {
	case e.Success == nil:
		return answer{}, said, errors.New("the answer doesn't say whether it is a success")
	case !*e.Success && len(said) == 0:
		return answer{}, nil, errors.New("the answer says success: false, and not why")
	case !*e.Success && is2xx(status):
		return answer{}, said, errors.New("the answer says success: false")
	case *e.Success && !is2xx(status):
		return answer{}, said, errors.New("the answer says success: true, the status doesn't")
	}
	return answer{status: status, result: e.Result, info: e.Info}, said, nil
}

var tags = regexp.MustCompile(`<[^>]*>`)

// notJSON returns what is wrong with a body that isn't an answer of
// Cloudflare's API. A page is quoted; what may be JSON isn't, because it
// may hold parts of policies.
func notJSON(text []byte, err error, clean func(string, int) string) error {
	trimmed := bytes.TrimSpace(text)
	page := string(trimmed[:min(len(trimmed), 10*maxExcerpt)])
	switch {
	case page == "":
		return errors.New("the answer is empty")
	case page[0] != '<' && strings.ContainsAny(page, `"{[`):
		return fmt.Errorf("the answer of %d bytes is cut off or not in the API's form: %w", len(text), misfit(err))
	}
	return fmt.Errorf("the answer isn't JSON: %q", clean(strings.TrimSpace(tags.ReplaceAllString(page, " ")), maxExcerpt))
}

// misfit returns an error of decoding JSON in words that don't show how this
// program is written.
func misfit(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%q is a %s", wrong.Field, wrong.Value)
	}
	return err
}

func is2xx(status int) bool { return status >= 200 && status < 300 }

// class returns the label of a request's end for metrics.
func class(e *Error) string {
	switch {
	case e == nil:
		return "2xx"
	case e.Status == http.StatusTooManyRequests:
		return "429"
	case e.Status >= 400 && e.Status < 500:
		return "4xx"
	case e.Status >= 500 && e.Status < 600:
		return "5xx"
	default:
		return "error"
	}
}
