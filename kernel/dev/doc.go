// Package dev is the goroutine side of the kernel: interrupts, device
// registers, memory for devices, what firmware left, and the power switch, each
// by a system call on a file that the kernel names (kernel/file.go). On any
// other system than the image these files are missing or mean something else,
// and every call returns an error.
package dev
