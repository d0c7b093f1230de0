// Package wal is an append-only log of records on disk. A record is durable
// when Append returns; callers that append at the same time share one fsync.
//
// A log is a directory of segment files, each named by the position of its
// first record. A segment is a header and then frames; a frame holds the
// records of one group commit under one checksum (CRC-32C), so that a crash
// leaves at most one broken frame, at the very end, which Open cuts off. Damage
// anywhere else costs the frames it touches: a Reader reports them with file,
// offset and the positions lost, and goes on with the next intact frame. A damaged
// segment header by itself costs nothing.
//
// With Options.Reuse a segment is a file of its full size from the start: zeros, or
// a segment dealt with, whose frames are of another salt. Its frames end where the
// next is not intact.
//
// Positions count records from 1 and are never reused, so the number of records
// between two positions is their difference.
package wal
