package config_test

import (
	"fmt"

	"barewire/config"
)

func ExampleLoad() {
	ports := []config.PortFact{{Link: 2, Name: "eth0", MTUBytes: 1500}}
	file := `
network:
  version: 2
  ethernets:
    eth0:
      dhcp4: true
      addresses: [10.0.2.15]
    eth1: {}
`
	_, err := config.Load("router.yaml", []byte(file), ports)
	fmt.Println(err)

	desired, err := config.Load("router.yaml", []byte("network: {ethernets: {eth0: {addresses: [10.0.2.15/24], gateway4: 10.0.2.2}}}"), ports)
	fmt.Printf("%s%v\n", config.Print(desired), err)
	// Output:
	// router.yaml:6:7: dhcp4: not supported yet, expected false
	// router.yaml:7:19: addresses: '10.0.2.15', expected an address with its prefix length such as 192.168.1.1/24
	// router.yaml:8:5: no port named 'eth1', the machine has eth0
	// network:
	//   version: 2
	//   ethernets:
	//     eth0:
	//       addresses:
	//       - 10.0.2.15/24
	//       routes:
	//       - to: default
	//         via: 10.0.2.2
	// <nil>
}
