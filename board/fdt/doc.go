// Package fdt reads a flattened device tree (Devicetree Specification v0.4,
// chapter 5), the description of the machine that firmware leaves in memory.
//
// All code in this package runs in trap context: before the Go runtime has
// started, on a small stack. It allocates nothing, stores no pointer outside
// its caller's frame, uses no map, channel, closure, interface or defer, builds
// no string, has no initialiser that needs code, and every loop is bounded by
// the size of the blob. It imports unsafe only.
//
// The blob comes from outside and is not trusted. Open walks it once and
// refuses what is not well formed; after that every read stays inside it, and
// what it says about the machine is answered with a Status, never a panic.
//
// A Tree and what it returns as bytes hold pointers into the blob: keep them on
// the stack, and in a kernel record the blob's address instead.
//
// It is not an editor: it never writes to the blob and builds no tree of nodes.
// Not supported: interrupt-map (the interrupts behind a PCI bridge), addresses
// of more than two cells (PCI), dma-ranges.
package fdt
