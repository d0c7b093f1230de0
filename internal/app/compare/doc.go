// Package compare runs contestants on recorded traces and prints how they did:
// predictors, classifiers, packing policies. It needs no server, no history and no
// configuration.
package compare
