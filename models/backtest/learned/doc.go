// Package learned is our own contestant: the summed history of a machine's
// present members, or boosted quantiles of the machine's peak, moved towards the
// sum of the members' own maxima, less far over weekends; whichever form of this has
// won on the weeks before. What was learned is refitted every week of the replay,
// on random machines of other sizes made of the workloads it may see.
//
// peak.go has the contestant, features.go what its models are given, past.go the
// maxima of single workloads, rows.go what they are fitted on, fit.go how, and
// form.go which of them answers and how, parts.go what is learned of beginnings.
package learned
