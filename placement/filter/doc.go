// Package filter holds the hard rules of placement, one per file. To add one,
// write its file and name it in All.
package filter
