// Package config turns an operator's netplan file into the state that a
// namespace shall have, and brings the namespace there.
//
//	file -> parse   syntax, with positions; all errors, not only the first
//	     -> check   names, ranges, references: Desired, plain values
//	     -> diff    what separates the current State from the desired one
//	     -> apply   the changes, in an order that is safe at every step
//
// A file with one error changes nothing. A change that the router refuses
// half way takes the ones before it back.
//
// The language is netplan's (version 2, networkd) as far as the router goes:
// what netplan has and the router has not yet is refused by name, never
// skipped. Print writes a Desired as a file that parses to the same Desired.
package config
