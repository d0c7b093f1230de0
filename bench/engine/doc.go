// Package engine measures the placement engine alone: decisions and reservations
// in memory, without wire and disk, on fleets from a thousand to a hundred
// thousand nodes where every constraint is in use.
package engine
