// Package layering holds the architecture of this module as tests: which package may import which and why,
// that every package says what it is for, and the house rules a machine can check. The tests parse the files
// themselves, so that the test cache sees what they read. Each rule is proven able to fail on a small tree.
package layering
