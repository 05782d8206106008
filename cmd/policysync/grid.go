package main

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// shorten returns a text that takes no more than that many cells of a terminal.
type shorten func(text string, most int) string

// grid returns rows as lines with aligned columns. Where these would be wider
// than total, the columns that may be shortened give way, the widest first; a
// total of 0 is no bound.
func grid(rows [][]string, total int, may map[int]shorten) string {
	columns := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			columns[i] = max(columns[i], cells(cell))
		}
	}
	if total > 0 {
		fit(columns, total, slices.Sorted(maps.Keys(may)))
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if cells(cell) > columns[i] {
				cell = may[i](cell, columns[i])
			}
			line.WriteString(cell + strings.Repeat(" ", columns[i]-cells(cell)) + gap)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// gap is what is between two columns.
const gap = "  "

// fit takes from the widest of the columns that may shrink until all of them, and
// the gaps, are within total.
func fit(columns []int, total int, shrink []int) {
	over := len(gap)*(len(columns)-1) - total
	for _, n := range columns {
		over += n
	}
	const least = 8
	for ; over > 0; over-- {
		widest := shrink[0]
		for _, i := range shrink {
			if columns[i] > columns[widest] {
				widest = i
			}
		}
		if columns[widest] <= least {
			return
		}
		columns[widest]--
	}
}

// start shortens a text to its start.
func start(text string, most int) string {
	kept, n := "", 1
	for _, r := range text {
		if n += cellsOf(r); n > most {
			break
		}
		kept += string(r)
	}
	return kept + "…"
}

// end shortens a text to its end.
func end(text string, most int) string {
	backwards := []rune(text)
	slices.Reverse(backwards)
	kept := []rune(start(string(backwards), most))
	slices.Reverse(kept)
	return string(kept)
}

// cells returns how many cells of a terminal a text takes.
func cells(text string) (n int) {
	for _, r := range text {
		n += cellsOf(r)
	}
	return n
}

func cellsOf(r rune) int {
	switch kind := width.LookupRune(r).Kind(); {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf): // drawn over the one before, or not at all
		return 0
	case kind == width.EastAsianWide, kind == width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}
