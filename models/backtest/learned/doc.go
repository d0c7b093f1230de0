// Package learned is our own contestant: peaks by the summed history of a machine's
// present members, over windows of a day to three weeks or the same hours of earlier
// days, by sums of the members' own maxima or limits, by what the last day was like, and
// by boosted quantiles of the machine's peak; each
// moved towards something larger, some less far over weekends. All these forms answer
// together that cannot be told from the one that did best on the weeks before, so that
// a simple one does where a simple one would. What was learned is refitted every week of
// the replay, on random machines of other sizes made of the workloads it may see.
//
// peak.go has the contestant, features.go what its models are given, past.go the
// maxima of single workloads, rows.go what they are fitted on, fit.go how, form.go
// the forms, trial.go how they are compared, team.go which of them answer and how, and
// parts.go what is learned of beginnings.
package learned
