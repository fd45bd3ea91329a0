// Package qemu boots images as users do, in QEMU, types at their consoles and
// plays the hosts on their ports: in this process, frame by frame, over datagram
// sockets, which needs no privilege; or as real Linux hosts in network
// namespaces over taps, which needs root.
//
// It imports nothing of Barewire but what tests share: it boots what make built.
// The tests run for every board of one table.
package qemu
