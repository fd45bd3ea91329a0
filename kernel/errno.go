//go:build arm64

package kernel

// Linux's error numbers, include/uapi/asm-generic/errno-base.h and errno.h. A
// system call that fails returns the number negated.
const (
	eperm        = 1
	enoent       = 2
	esrch        = 3
	ebadf        = 9
	eagain       = 11
	enomem       = 12
	eacces       = 13
	efault       = 14
	eexist       = 17
	enodev       = 19
	einval       = 22
	emfile       = 24
	enotty       = 25
	enospc       = 28
	espipe       = 29
	enametoolong = 36
	enosys       = 38
	etimedout    = 110
)
