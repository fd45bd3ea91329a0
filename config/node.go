package config

import (
	"sort"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// fields says how each key of a mapping is read into a T. A key with nil is
// one that netplan knows and the router does not do yet.
type fields[T any] map[string]func(d *decoder, into *T, key *token.Token, value ast.Node)

// supported are the keys that are read, for the message that names them.
func (f fields[T]) supported() string {
	var names []string
	for name, read := range f {
		if read != nil {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

// readMapping reads the mapping n into into. what names it in messages.
func readMapping[T any](d *decoder, n ast.Node, what string, keys fields[T], into *T) {
	d.eachEntry(n, what, func(key *token.Token, value ast.Node) {
		read, known := keys[key.Value]
		switch {
		case !known:
			d.at(key, "unknown key '%s', expected one of %s", firstWord(key.Value), keys.supported())
		case read == nil:
			d.at(key, "%s: not supported yet", key.Value)
		default:
			read(d, into, key, value)
		}
	})
}

// eachEntry calls visit for each entry of the mapping n and reports what is no
// mapping and the keys that come twice.
func (d *decoder) eachEntry(n ast.Node, what string, visit func(key *token.Token, value ast.Node)) {
	var entries []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		entries = n.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{n}
	default:
		d.wrongKind(n, what, "a mapping (check the indentation)")
		return
	}
	seen := map[string]*token.Token{}
	for _, entry := range entries {
		if _, scalar := entry.Key.(ast.ScalarNode); !scalar {
			d.at(entry.Key.GetToken(), "%s: key '%s', expected a word", what, firstWord(entry.Key.String()))
			continue
		}
		key := entry.Key.GetToken()
		if first := seen[key.Value]; first != nil {
			d.at(key, "'%s' for the second time, the first is in line %d", firstWord(key.Value), first.Position.Line)
			continue
		}
		seen[key.Value] = key
		visit(key, entry.Value)
	}
}

// eachItem calls visit for each item of the sequence n.
func (d *decoder) eachItem(n ast.Node, what string, visit func(item ast.Node)) {
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		d.wrongKind(n, what, "a sequence (check the indentation)")
		return
	}
	for _, item := range sequence.Values {
		visit(item)
	}
}

// scalar is the text of the scalar n; ok is false when it is none, which has
// been reported then.
func (d *decoder) scalar(n ast.Node, what, expected string) (text string, ok bool) {
	switch n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	d.wrongKind(n, what, expected)
	return "", false
}

func (d *decoder) wrongKind(n ast.Node, what, expected string) {
	found := "nothing"
	switch n.(type) {
	case nil, *ast.NullNode:
	case *ast.MappingNode, *ast.MappingValueNode:
		found = "a mapping"
	case *ast.SequenceNode:
		found = "a sequence"
	default:
		found = "'" + firstWord(n.GetToken().Value) + "'"
	}
	if n == nil {
		d.whole("%s: %s, expected %s", what, found, expected)
		return
	}
	d.at(start(n), "%s: %s, expected %s", what, found, expected)
}

// start is the token where the node n begins. A block mapping's own token is
// the colon of its first entry.
func start(n ast.Node) *token.Token {
	switch m := n.(type) {
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			return m.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		return m.Key.GetToken()
	}
	return n.GetToken()
}

// boolean reads YAML 1.1's words for true and false, as netplan does.
func (d *decoder) boolean(n ast.Node, what string) (value, ok bool) {
	const expected = "true or false"
	text, ok := d.scalar(n, what, expected)
	if !ok {
		return false, false
	}
	switch strings.ToLower(text) {
	case "true", "on", "yes", "y":
		return true, true
	case "false", "off", "no", "n":
		return false, true
	}
	d.at(n.GetToken(), "%s: '%s', expected %s", what, firstWord(text), expected)
	return false, false
}

// number reads an unsigned decimal number.
func (d *decoder) number(n ast.Node, what string, min, max uint64) (value uint64, ok bool) {
	expected := "a number from " + strconv.FormatUint(min, 10) + " to " + strconv.FormatUint(max, 10)
	if min == max {
		expected = strconv.FormatUint(min, 10)
	}
	text, ok := d.scalar(n, what, expected)
	if !ok {
		return 0, false
	}
	value, err := strconv.ParseUint(text, 10, 64)
	if err != nil || value < min || value > max {
		d.at(n.GetToken(), "%s: '%s', expected %s", what, firstWord(text), expected)
		return 0, false
	}
	return value, true
}
