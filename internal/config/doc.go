// Package config reads the one configuration file of auspex: strict about every
// key and unit, with the place of each mistake, and reloadable while the program
// runs.
//
// To add a key, add a field with its tags to config.go, its default to
// default.go, its rule to validate.go if it has one, and run
// `go test ./internal/config -update` to write docs/configuration.md anew.
package config
