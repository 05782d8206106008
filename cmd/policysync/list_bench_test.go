package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

// listing is the program that runs are compared with: it asks the API at an
// address for some pages of policies, decodes them, and prints nothing unless
// that fails.
func listing() {
	pages, err := strconv.Atoi(os.Args[2])
	if err == nil {
		err = listPages(context.Background(), os.Args[1], pages)
	}
	if err != nil {
		fmt.Println(err)
	}
}

func listPages(ctx context.Context, api string, pages int) error {
	for page := range pages {
		address := fmt.Sprintf("%s/accounts/%s/access/policies?page=%d&per_page=1000", api, simulator.DefaultAccountID, page+1)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+simulator.DefaultToken)
		response, err := (&http.Client{}).Do(request)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			return err
		}
		var answer struct{ Result []map[string]any }
		if err := json.Unmarshal(text, &answer); err != nil || len(answer.Result) != 1000 {
			return fmt.Errorf("page %d has %d policies: %w", page+1, len(answer.Result), err)
		}
	}
	return nil
}
