// Package nic is the contract between a network driver and the data plane:
// ports, queues and the buffers that travel between them.
//
// A buffer has exactly one holder at a time: the pool, a queue's receive ring,
// the worker, or a queue's transmit ring. It goes round without being copied:
//
//	Pool.Get -> Queue.Provide -> device -> Queue.Receive -> worker
//	worker -> Queue.Transmit -> device -> Queue.Reclaim -> Pool.Put
//
// A pool, and every queue that it feeds, belongs to one worker goroutine; none
// of their methods may be called from another. The package imports no driver,
// no board and no kernel: whoever makes a pool brings the memory.
package nic
