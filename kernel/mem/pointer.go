package mem

import "unsafe"

// Pointer is the memory at an address that this kernel manages itself: page
// frames, page tables, stacks, a system call's arguments. None of it is in the
// Go heap, so the collector neither moves nor frees it, and an integer is as
// good a name for it as a pointer; that is the condition under which each
// caller may convert. The detour through memory says so to go vet.
func Pointer(addr uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&addr))
}
