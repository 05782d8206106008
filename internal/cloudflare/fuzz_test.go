package cloudflare_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"github.com/policysync/policysync/internal/cloudflare"
)

// FuzzDecodeAnswer feeds every operation with any answer. It must end in
// something complete or in an error that is fit to be logged.
func FuzzDecodeAnswer(f *testing.F) {
	const ok = `{"success":true,"errors":[],"messages":[],`
	for _, seed := range []struct {
		status int
		body   string
	}{
		{200, ok + `"result":[],"result_info":{"page":1,"per_page":1000,"count":0,"total_count":0,"total_pages":0}}`},
		{200, ok + `"result":[{"id":"a","name":"new","decision":"allow","include":[{"everyone":{}}],"app_count":1,"reusable":true}],"result_info":{"total_count":1,"total_pages":1}}`},
		{201, ok + `"result":{"id":"f174e90a-fafe-4643-bbbc-4a0ed4fc8415","name":"new","created_at":"2026-01-01T00:00:00Z"}}`},
		{200, ok + `"result":{"id":"f174e90a-fafe-4643-bbbc-4a0ed4fc8415","name":"renamed","include":null}}`},
		{202, ok + `"result":{"id":"f174e90a-fafe-4643-bbbc-4a0ed4fc8415"}}`},
		{200, ok + `"result":{"id":"ed17574386854bf78a67040be0a770b0","status":"active"}}`},
		{200, `{"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"result":null}`},
		{400, `{"success":false,"errors":[{"code":12130,"message":"m","source":{"pointer":"/include"}}],"messages":[],"result":null}`},
		{404, `{"success":false,"errors":[{"code":7003,"message":"No route for the URI"}]}`},
		{429, `{"success":false,"errors":[{"code":971,"message":"Please wait"}]}`},
		{502, "<html><title>502: Bad gateway</title></html>"},
		{200, ok + `"result":[{"id":`},
		{200, "null"},
		{200, ""},
		{204, ""},
		{302, ""},
		{500, "\x00\xff\xfe"},
		{200, "[[[[[[[["},
	} {
		f.Add(seed.status, seed.body)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		status = 100 + int(uint(status-100)%900)
		synctest.Test(t, func(t *testing.T) {
			const id = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415"
			client, _ := scripted(t, func(int) *http.Response { return answered(status, body, "Cf-Ray", body) })
			for op, do := range operations {
				err := do(t.Context(), client, id)
				if err == nil {
					if status/100 != 2 {
						t.Errorf("%s took %d for a success", op, status)
					}
					continue
				}
				e, ok := errors.AsType[*cloudflare.Error](err)
				if !ok || !isWrite(op) && e.Ambiguous || isWrite(op) && status/100 == 2 && !e.Ambiguous {
					t.Errorf("%s: %#v", op, err)
				}
				if text := err.Error(); len(text) > 7000 || strings.ContainsFunc(text, unicode.IsControl) {
					t.Errorf("%s: unfit for a log: %q", op, text)
				}
			}
			if all, err := client.List(t.Context()); err == nil {
				for _, p := range all {
					if p.ID == "" {
						t.Error("a policy without an id")
					}
				}
			}
			if p, err := client.Create(t.Context(), plain("new"), nil); err == nil && (p.ID == "" || p.Name != "new") {
				t.Errorf("created %+v", p)
			}
		})
	})
}
