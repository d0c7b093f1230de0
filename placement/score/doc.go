// Package score holds the wishes of placement, one per file. To add one, write
// its file and name it in All; its weight can then be set in the configuration.
package score
