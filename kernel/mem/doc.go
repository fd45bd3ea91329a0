// Package mem keeps the kernel's two books of memory: which page frames are
// free (Frames, a buddy allocator) and which address ranges mean what
// (Regions, a sorted table).
//
// All code in this package runs in trap context: no heap, no write barrier, no
// map, channel, closure or interface; bounded loops; records hold addresses as
// integers, never Go pointers. It knows no processor: page tables are kernel's.
package mem

// PageShift is the base-2 logarithm of PageSize.
const PageShift = 12

// PageSize is the size of a page and of a page frame in bytes.
const PageSize = 1 << PageShift
