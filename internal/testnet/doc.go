// Package testnet is what tests need of a network without one: frames built
// from their fields, and a port in memory that takes and gives them. It is
// imported by tests only.
package testnet
