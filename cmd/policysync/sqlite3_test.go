package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// sqlite3 stands in for the tool of that name, which not every machine has:
//
//	sqlite3 FILE [STATEMENT]
//
// Without a statement it takes one from each line of its input.
func sqlite3() {
	lines := io.Reader(os.Stdin)
	if len(os.Args) == 3 {
		lines = strings.NewReader(os.Args[2])
	}
	if err := queries(os.Args[1], lines, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// queries runs a statement for each line, and writes the first column of what
// it returns.
func queries(file string, lines io.Reader, out io.Writer) (err error) {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	for input := bufio.NewScanner(lines); input.Scan(); {
		var value string
		err := db.QueryRowContext(context.Background(), input.Text()).Scan(&value)
		if err == nil {
			_, err = fmt.Fprintln(out, value)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}
