// Package console is the operator's shell on a serial line: a line editor, and
// the commands of iproute2, iputils and procps as far as a router needs them,
// with their words, abbreviations, output and errors.
//
// The words are one table (commands.go): dispatch, completion and help come
// from it. A command is a function of a session, which has the namespace and
// a place to print; it knows nothing of terminals.
//
//	serial line -> keys -> line editor -> words -> command -> session.out -.
//	serial line <---------- line editor <---------------------------------+
//	                            ^--- Console.Write: the machine's messages '
package console
