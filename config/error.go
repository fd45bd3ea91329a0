package config

import (
	"fmt"
	"sort"
	"strings"
)

// Error is one thing wrong with a file.
type Error struct {
	File         string
	Line, Column int // from 1; 0 when the error is about the file as a whole
	Message      string
}

// Error is the message behind its place: file:line:column: message.
func (e Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Errors are all things wrong with a file, in the order of their places. It is
// what Load returns as its error.
type Errors []Error

// Error is the messages, one a line.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// maxErrors bounds what one file can print on a slow serial line. The errors
// beyond are counted in a last line.
const maxErrors = 50

func (es Errors) sorted() Errors {
	sort.SliceStable(es, func(i, j int) bool {
		if es[i].Line != es[j].Line {
			return es[i].Line < es[j].Line
		}
		return es[i].Column < es[j].Column
	})
	if len(es) > maxErrors {
		rest := Error{File: es[0].File, Message: fmt.Sprintf("%d more errors", len(es)-maxErrors)}
		es = append(es[:maxErrors:maxErrors], rest)
	}
	return es
}
