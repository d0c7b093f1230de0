// Package journal keeps the placement ledger's changes on disk, so that a
// restart, however abrupt, finds every acknowledged reservation again.
//
// A journal is a directory: log/ holds the records appended since the last
// compaction (package wal), snapshot the state they follow. A compaction writes
// a new snapshot beside the old one, syncs it, renames it into place and only
// then drops the log before it, so that at any moment the newest snapshot and
// the log say everything. Records carry the sequence number of their change;
// those a snapshot already contains are skipped.
//
// Records are binary: numbered fields as in protocol buffers, one file for each
// thing described. A field that is not known is refused, not skipped.
package journal
