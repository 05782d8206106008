package simulator

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// object is a JSON object.
type object = map[string]any

// answer is what a request brings, before it is sent.
type answer struct {
	status   int
	header   http.Header
	body     []byte
	delivery delivery
	slowness time.Duration // of a slow delivery
}

// delivery is how an answer gets to the client.
type delivery int

const (
	whole    delivery = iota
	lost              // the connection breaks before the answer
	broken            // the connection breaks half through the body
	slow              // the body comes in pieces
	withheld          // nothing comes, until the client gives up
)

func success(status int, result any) answer {
	return reply(status, object{"success": true, "errors": []any{}, "messages": []any{}, "result": result})
}

func failure(status, code int, message string) answer {
	return refusal(status, object{"code": code, "message": message})
}

func refusal(status int, reason object) answer {
	return reply(status, object{"success": false, "errors": []any{reason}, "messages": []any{}, "result": nil})
}

func reply(status int, envelope object) answer {
	body, err := json.Marshal(envelope)
	if err != nil { // only decoded JSON comes here
		status, body = http.StatusInternalServerError, []byte(err.Error())
	}
	return answer{status: status, header: http.Header{"Content-Type": {"application/json"}}, body: body}
}

// page returns the part of a list that a request asks for.
func (a *Account) page(c call, all []object, perPage int) answer {
	number := 1
	for name, value := range map[string]*int{"page": &number, "per_page": &perPage} {
		if text := c.query.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return failure(http.StatusBadRequest, codeInvalid, invalid+"invalid '"+name+"'")
			}
			*value = n
		}
	}
	perPage = min(perPage, a.options.MaxPerPage)
	from := min((number-1)*perPage, len(all))
	part := append([]object{}, all[from:min(from+perPage, len(all))]...)
	return reply(http.StatusOK, object{
		"success": true, "errors": []any{}, "messages": []any{}, "result": part,
		"result_info": object{
			"page": number, "per_page": perPage, "count": len(part),
			"total_count": len(all), "total_pages": (len(all) + perPage - 1) / perPage,
		},
	})
}

func ray(n int) string { return fmt.Sprintf("%016x-SIM", n) }

// deliver sends the answer. A connection is broken by a panic with
// http.ErrAbortHandler, which net/http provides for that.
func (a answer) deliver(w http.ResponseWriter, r *http.Request) {
	switch a.delivery {
	case withheld:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case lost:
		panic(http.ErrAbortHandler)
	case whole, broken, slow:
	}
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	pieces := 1
	if a.delivery != whole {
		pieces = 10
	}
	for i := range pieces {
		from, to := len(a.body)*i/pieces, len(a.body)*(i+1)/pieces
		if _, err := w.Write(a.body[from:to]); err != nil {
			return
		}
		if a.delivery == whole {
			return
		}
		if http.NewResponseController(w).Flush() != nil || a.delivery == broken && i == pieces/2 {
			panic(http.ErrAbortHandler)
		}
		pause(r.Context(), a.slowness/time.Duration(pieces))
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

// pause waits that long, or until the client leaves.
func pause(ctx context.Context, length time.Duration) {
	if length <= 0 {
		return
	}
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
