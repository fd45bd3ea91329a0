package console

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// word is one word of the console's language and what may follow it: further
// words, or arguments.
type word struct {
	name     string
	also     []string // other spellings, which help does not show
	synopsis string   // the arguments, for help: "PREFIX dev LINK"
	summary  string   // what it does, for help; of the first words only

	words    []word
	byPrefix bool   // words may be abbreviated: the first that fits is meant
	title    string // of the words so far, in messages: "ip address"
	noun     string // what messages call words: "Object", "Command"

	options func(s *session, a *args) error          // takes what begins with '-' before words; may be nil
	run     func(s *session, a *args) error          // what it does with arguments or, with words, when none follows
	hints   func(c *Console, before string) []string // words that complete arguments, by the word before; may be nil
}

// session is one run of a command.
type session struct {
	ctx     context.Context // ends with Ctrl-C
	console *Console
	out     io.Writer
	ip      ipOptions
}

func (s *session) printf(format string, a ...any) { fmt.Fprintf(s.out, format, a...) }

// args are the words that a command was given, taken one after the other.
type args struct {
	words []string
}

// next takes a word, if there is one left.
func (a *args) next() (string, bool) {
	if len(a.words) == 0 {
		return "", false
	}
	w := a.words[0]
	a.words = a.words[1:]
	return w, true
}

var errIncomplete = refuse(`Command line is not complete. Try option "help"`)

// value takes the word that must follow another.
func (a *args) value() (string, error) {
	if w, ok := a.next(); ok {
		return w, nil
	}
	return "", errIncomplete
}

// follow runs what the words after w ask for.
func (w *word) follow(s *session, rest []string) error {
	a := &args{words: rest}
	if w.options != nil {
		if err := w.options(s, a); err != nil {
			return err
		}
	}
	if w.words == nil {
		return w.run(s, a)
	}
	name, given := a.next()
	switch {
	case !given && w.run != nil:
		return w.run(s, a)
	case !given || w.title != "" && name == "help":
		s.printf("%s", w.usage())
		return nil
	}
	below := w.find(name)
	switch {
	case below != nil:
		return below.follow(s, a.words)
	case w.title == "":
		return refuse(`%s: command not found, try "help".`, name)
	}
	return refuse(`%s "%s" is unknown, try "%s help".`, w.noun, name, w.title)
}

// find is the word below w with that name or abbreviation, or nil.
func (w *word) find(name string) *word {
	for i := range w.words {
		below := &w.words[i]
		fits := func(spelling string) bool {
			return spelling == name || w.byPrefix && strings.HasPrefix(spelling, name)
		}
		if fits(below.name) || slices.ContainsFunc(below.also, fits) {
			return below
		}
	}
	return nil
}

// usage is how w and the words below it are used, one line each.
func (w *word) usage() string {
	var lines []string
	w.synopses(w.name, &lines)
	return "Usage: " + strings.Join(lines, "\n       ") + "\n"
}

func (w *word) synopses(path string, lines *[]string) {
	if w.title != "" {
		path = w.title
	}
	if w.synopsis != "" || w.words == nil {
		*lines = append(*lines, strings.TrimRight(path+" "+w.synopsis, " "))
	}
	for i := range w.words {
		w.words[i].synopses(path+" "+w.words[i].name, lines)
	}
}

// candidates are the words that can stand behind w and the given ones.
func (w *word) candidates(c *Console, before []string) []string {
	last := w.name
	if w.words != nil {
		for w.options != nil && len(before) > 0 && strings.HasPrefix(before[0], "-") {
			before = before[1:]
		}
		if len(before) > 0 {
			if below := w.find(before[0]); below != nil {
				return below.candidates(c, before[1:])
			}
			return nil
		}
		var list []string
		for _, below := range w.words {
			list = append(list, below.name)
		}
		return list
	}
	if w.hints == nil {
		return nil
	}
	if len(before) > 0 {
		last = before[len(before)-1]
	}
	return w.hints(c, last)
}

// refusal is what a command prints when it does not do what it was asked. The
// words are those of the Linux programs, with their capitals and stops.
type refusal string

// Error is the text.
func (r refusal) Error() string { return string(r) }

func refuse(format string, a ...any) error { return refusal(fmt.Sprintf(format, a...)) }
