// Package learned is our own contestant: a boosted quantile of the machine's peak, moved
// by calibration towards the sums of its members' own maxima, some less far over weekends, or by
// a share of the limit. Where too little was there to learn from, or only days and no weeks,
// simple forms compete: the summed history of a machine's present members, over a
// day to three weeks or the same hours of earlier days, and what the last day was
// like. All forms answer together that cannot be told from the one that did best on the days
// before. What was learned is refitted every week of
// the replay, on random machines of other sizes made of the workloads it may see.
//
// peak.go has the contestant, features.go what its models are given, past.go the
// maxima of single workloads, rows.go what they are fitted on, fit.go how, form.go
// the forms, trial.go how they are compared, team.go which of them answer and how, and
// parts.go what is learned of beginnings.
package learned
