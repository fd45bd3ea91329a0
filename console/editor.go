package console

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// abandonMark is a key that no terminal sends and keys lets nobody type. It
// tells onKey of Ctrl-C: the editor's own way would end the input.
const abandonMark = 0x1d

// abandonLine is what the editor gets for Ctrl-C: the mark, and Enter, so that
// the line is left on the screen and a new one begun.
const abandonLine = "\x1d\r"

// onKey is called by the editor for each key that it does not know itself.
func (c *Console) onKey(line string, pos int, key rune) (string, int, bool) {
	switch key {
	case abandonMark:
		c.abandoned = true
		line += "^C"
		return line, len(line), true
	case tab:
		return c.complete(line, pos)
	}
	return "", 0, false
}

// complete finishes the word at the cursor, as far as it is certain, and lists
// what it can be when it is not.
func (c *Console) complete(line string, pos int) (string, int, bool) {
	before := line[:pos]
	words := strings.Fields(before)
	part := ""
	if len(words) > 0 && !strings.HasSuffix(before, " ") {
		part, words = words[len(words)-1], words[:len(words)-1]
	}
	var candidates []string
	for _, w := range c.root.candidates(c, words) {
		if strings.HasPrefix(w, part) {
			candidates = append(candidates, w)
		}
	}
	switch len(candidates) {
	case 0:
		return line, pos, true
	case 1:
		add := candidates[0][len(part):]
		if !strings.HasPrefix(line[pos:], " ") {
			add += " "
		}
		return before + add + line[pos:], pos + len(add), true
	}
	common := candidates[0]
	for _, w := range candidates[1:] {
		common = commonPrefix(common, w)
	}
	if add := common[len(part):]; add != "" {
		return before + add + line[pos:], pos + len(add), true
	}
	io.WriteString(c.terminal, strings.Join(candidates, "  ")+"\n")
	return line, pos, true
}

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// history keeps the lines that were entered. It implements term.History; all
// calls are from Run's goroutine.
type history struct {
	console *Console
	lines   []string // the newest last
}

const maxHistory = 100

// Add keeps a line, unless it is empty, abandoned or the one before it again.
func (h *history) Add(line string) {
	if strings.TrimSpace(line) == "" || h.console.abandoned || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	if len(h.lines) == maxHistory {
		h.lines = append(h.lines[:0], h.lines[1:]...)
	}
	h.lines = append(h.lines, line)
}

// Len is how many lines there are.
func (h *history) Len() int { return len(h.lines) }

// At is the line that was entered i lines ago, 0 being the last.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }

// lineWriter passes on whole lines only, so that what two goroutines print is
// never mixed within a line. It is safe for concurrent use.
type lineWriter struct {
	mu   sync.Mutex // protects rest, and the order of lines
	to   io.Writer
	rest []byte // the start of a line
}

// maxPartialLine bounds a line that does not end.
const maxPartialLine = 4096

// Write passes on the lines that p completes.
func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	end := bytes.LastIndexByte(w.rest, '\n') + 1
	if end == 0 && len(w.rest) > maxPartialLine {
		w.rest = append(w.rest, '\n')
		end = len(w.rest)
	}
	if end == 0 {
		return len(p), nil
	}
	_, err := w.to.Write(w.rest[:end])
	w.rest = append(w.rest[:0], w.rest[end:]...)
	return len(p), err
}

// flush ends a line that was begun.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.to.Write(append(w.rest, '\n'))
		w.rest = nil
	}
}
