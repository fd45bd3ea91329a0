// Package trapcheck reads a linked arm64 image and finds what code in trap
// context calls: a function of the kernel must not reach the allocator, a write
// barrier, a map, a channel or anything else that needs a running runtime, by
// whatever way the compiler put the call there.
//
// Every function of the packages whose code runs in trap context is a start,
// not only the exception vectors: so a call through a function value, whose
// target the machine code does not show, needs no guess, because function
// values in those packages are of those packages. From the starts it follows
// every direct branch, and every address of a function that the code takes.
//
// The list of what may be reached besides is short and closed: whatever is not
// on it is reported with the way that leads there.
package trapcheck
