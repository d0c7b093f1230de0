// Package datasets reads public traces of usage, of machines and of arriving
// work, each in the files as they were published, and a synthetic one.
//
// A trace is named FORMAT:PATH, as in "bitbrains:2013-8.csv.gz"; see ParseRef
// for the formats; the file named for each says its columns, its units and what is
// done about its quirks, and holds all of it. OpenUsage gives what workloads used
// over time, OpenFleet gives machines and arriving workloads.
//
// Every reader streams: its memory does not grow with the length of a file.
// Gzip is recognised by content. Every error names the file and the line; one
// that concerns a single row is a *RowError, after which the stream goes on if
// the caller does.
//
// Traces that count seconds from their own beginning are put on the calendar
// at Epoch. Amounts are in the base units of package resource.
//
// It is one package since formats have little of their own: rows, fields, files sorted by
// time and the errors of all of them are the same. Each format is one file.
package datasets
