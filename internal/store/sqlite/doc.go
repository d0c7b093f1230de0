// Package sqlite keeps the usage history in one SQLite file, in WAL mode: one
// writer at a time, any number of readers of any process beside it.
//
// A series table numbers the keys; a sample table holds one row per sample,
// clustered by series and time, a column per standard resource (schema.sql).
// Every commit is flushed to disk before Write returns, so what it acknowledged
// survives kill -9 and a loss of power.
package sqlite
