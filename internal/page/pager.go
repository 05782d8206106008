package page

import (
	"net/http"
	"net/url"
	"strconv"
)

// perPage is how many rows a page of a list has at most.
const perPage = 100

// pager is where in a list a page is.
type pager struct {
	Page, Pages, Total int
	First, Last        int    // rows of this page, from 1
	Prev, Next         string // where those pages are; "": there is none
}

// turn returns the rows of the page that a request asks for: the first unless
// ?page= says another, the last where there are fewer.
func turn[T any](all []T, size int, r *http.Request) ([]T, pager) {
	pages := max(1, (len(all)+size-1)/size)
	asked, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil {
		asked = 1
	}
	p := pager{Page: min(max(asked, 1), pages), Pages: pages, Total: len(all)}
	from, to := (p.Page-1)*size, min(p.Page*size, len(all))
	p.First, p.Last = from+1, to
	if p.Page > 1 {
		p.Prev = at(r.URL, p.Page-1)
	}
	if p.Page < pages {
		p.Next = at(r.URL, p.Page+1)
	}
	return all[from:to], p
}

func at(u *url.URL, page int) string {
	query := u.Query()
	query.Set("page", strconv.Itoa(page))
	return "?" + query.Encode()
}
