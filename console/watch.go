package console

import (
	"context"
	"fmt"

	"barewire/nic"
	"barewire/router"
)

// watchLinks prints a line when the carrier of a link that is up comes or
// goes. What it returns is to be called after a change; it does not block.
func (c *Console) watchLinks(ctx context.Context) func() {
	happened := make(chan struct{}, 1)
	go func() {
		before := map[int]router.LinkInfo{}
		for {
			for _, l := range c.namespace.Router().Links() {
				if old, known := before[l.Index]; known && l.AdminUp && old.AdminUp && old.Carrier != l.Carrier {
					fmt.Fprintf(c, "%s: link %s\n", l.Name, carrierWord(l))
				}
				before[l.Index] = l
			}
			select {
			case <-ctx.Done():
				return
			case <-happened:
			}
		}
	}()
	return func() {
		select {
		case happened <- struct{}{}:
		default:
		}
	}
}

func carrierWord(l router.LinkInfo) string {
	if l.Carrier == nic.CarrierDown {
		return "down"
	}
	return "up"
}
