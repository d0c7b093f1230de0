// Package training is one night: it reads the history once, fits a learned model
// per class and resource, lets it compete with the champion and with every
// baseline on days none of them was fitted on, promotes what won, calibrates the
// margins of machines, and says what was done and why.
//
// Run is the night, phase by phase; the files are named after the phases.
package training
