package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits on a file. The YAML parser recurses, and its time grows with the
// square of the nesting, of the line length and of the number of lines: these
// keep a hostile file under half a second on a slow machine.
const (
	maxFileBytes = 128 << 10
	maxLines     = 4096
	maxLineBytes = 512
	maxDepth     = 16 // [ and { inside each other; netplan's own files need 7
)

// refused are YAML's means that no netplan file needs and that can make a
// small file large, or mean something else than it seems to.
var refused = map[token.Type]string{
	token.AnchorType:     "anchors",
	token.AliasType:      "aliases",
	token.MergeKeyType:   "merge keys",
	token.TagType:        "tags",
	token.DirectiveType:  "directives",
	token.MappingKeyType: "complex keys",
	token.LiteralType:    "block strings",
	token.FoldedType:     "block strings",
}

// readDocument parses data to the root node of its one document, or reports
// what is wrong and returns nil. It returns nil without a report for a file
// that says nothing at all.
func readDocument(data []byte, r *report) ast.Node {
	// A boot loader pads the file to whole blocks with zeros.
	data = bytes.TrimRight(data, "\x00")
	if !boundedText(data, r) {
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if !plainTokens(tokens, r) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var syntax yaml.Error
		if errors.As(err, &syntax) && syntax.GetToken() != nil {
			r.at(syntax.GetToken(), "%s", syntax.GetMessage())
		} else {
			r.whole("%v", err)
		}
		return nil
	}
	var root ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.CommentType:
		case root != nil:
			r.at(doc.Body.GetToken(), "second document in one file, expected one")
			return nil
		default:
			root = doc.Body
		}
	}
	return root
}

// boundedText says whether data is text within the limits.
func boundedText(data []byte, r *report) bool {
	if len(data) > maxFileBytes {
		r.whole("%d bytes, expected at most %d", len(data), maxFileBytes)
		return false
	}
	ok := true
	lines := bytes.Split(data, []byte("\n"))
	if len(lines) > maxLines+1 {
		r.place(maxLines+1, 1, "%d lines, expected at most %d", len(lines)-1, maxLines)
		return false
	}
	for number, line := range lines {
		if len(line) > maxLineBytes {
			r.place(number+1, maxLineBytes+1, "line of %d bytes, expected at most %d", len(line), maxLineBytes)
			ok = false
		}
		column := 0
		for rest := line; len(rest) > 0; {
			c, size := utf8.DecodeRune(rest)
			column++
			if c == utf8.RuneError && size == 1 || c < ' ' && c != '\t' && (c != '\r' || len(rest) != 1) || c == 0x7f {
				r.place(number+1, column, "byte 0x%02x, expected text in UTF-8", rest[0])
				return false // a binary file has as many errors as bytes
			}
			rest = rest[size:]
		}
	}
	return ok
}

// plainTokens says whether the file stays with plain mappings, sequences and
// scalars, not nested beyond the limit.
func plainTokens(tokens token.Tokens, r *report) bool {
	ok := true
	depth := 0
	for _, t := range tokens {
		if what, bad := refused[t.Type]; bad {
			r.at(t, "'%s': YAML %s are not supported", firstWord(t.Value), what)
			ok = false
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
			if depth > maxDepth {
				r.at(t, "'%s' nested %d deep, expected at most %d", t.Value, depth, maxDepth)
				return false
			}
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
	}
	return ok
}

// report collects the errors of a file.
type report struct {
	file   string
	errors Errors
}

func (r *report) at(t *token.Token, format string, args ...any) {
	if t == nil || t.Position == nil {
		r.whole(format, args...)
		return
	}
	r.place(t.Position.Line, t.Position.Column, format, args...)
}

func (r *report) place(line, column int, format string, args ...any) {
	r.errors = append(r.errors, Error{File: r.file, Line: line, Column: column, Message: fmt.Sprintf(format, args...)})
}

func (r *report) whole(format string, args ...any) { r.place(0, 0, format, args...) }

// firstWord is s cut to what fits in a message.
func firstWord(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > 40 {
		s = strings.ToValidUTF8(s[:40], "") + "..."
	}
	return s
}
