package main

// What makes an image of the program. Run by Linux it is not used.
import (
	_ "barewire/board/virt"
	_ "barewire/kernel"
)
