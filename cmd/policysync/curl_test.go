package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// fetch stands in for curl, which not every machine has, with the few flags of
// it that the documentation uses. It finds the daemon of the README wherever
// that listens here.
func fetch() {
	flags := flag.NewFlagSet("curl", flag.ExitOnError)
	flags.Bool("s", false, "")
	method := flags.String("X", http.MethodGet, "")
	header := flags.String("H", "", "")
	body := flags.String("d", "", "")
	_ = flags.Parse(os.Args[1:]) // it exits
	address := flags.Arg(0)
	_ = flags.Parse(flags.Args()[1:]) // curl takes flags behind the address, too
	listens := cmp.Or(os.Getenv("README_LISTEN"), "127.0.0.1:8080")
	request, err := http.NewRequest(*method, strings.Replace(address, "127.0.0.1:8080", listens, 1), strings.NewReader(*body)) //nolint:noctx // the client has a timeout
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	if name, value, found := strings.Cut(*header, ": "); found {
		request.Header.Set(name, value)
	}
	response, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer response.Body.Close() //nolint:errcheck // only read from
	if _, err := io.Copy(os.Stdout, response.Body); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
