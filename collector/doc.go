// Package collector moves usage samples from sources to a history store
// without losing any.
//
// A sample is first validated, alone, and then written to a spool on disk; Accept
// returns when it is durable there, and that is what "acknowledged" means. Run
// ships the spool to the store in order, with blocking writes, and deletes from
// it only what the store has taken. A crash between the two ships a batch again,
// which does no harm because writing a sample twice stores it once. While the
// store is down the spool grows up to its bound; beyond that the oldest samples
// go, counted and logged.
//
// Samples carry their own time, and spooling and shipping use the order of
// arrival alone, so a clock that steps back neither loses nor doubles what was
// accepted. Only one check looks at the clock: a sample from further in the future
// than the tolerated skew is refused.
//
// Sources live in packages of their own below this one.
package collector
