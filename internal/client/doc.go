// Package client is the side of auspex that asks a server: one file for each
// subcommand that does, and what it prints for people.
package client
