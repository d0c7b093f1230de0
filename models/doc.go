// Package models predicts what workloads will use. The tour, in reading order:
//
//   - history.go: what is remembered of a workload. A History takes its samples
//     one by one and keeps per resource (usage.go) a ring of slot maxima and
//     means over three weeks (slots.go), decayed averages (moment.go) and decayed
//     percentiles (histogram.go). It is the whole state of prediction: no store
//     is read to make a forecast.
//   - subject.go: a workload as predictors see it, described and remembered.
//   - predictor.go: the Predictor interface and the Chain of them. The first
//     link with something to say about a resource answers:
//     learned.go (gradient-boosted quantiles, one model per class and resource),
//     percentiles.go (the workload's own past), prior.go (workloads like it),
//     limit.go (what it may use).
//   - shrink.go: a short past, drawn towards workloads like it. floor.go: what a
//     kill for want of memory leaves behind.
//   - features.go: what the learned model is given, free of scale.
//   - profile.go: the additive part of a forecast, slot by slot, from the same
//     hours of earlier days; profiler.go: what is learned of slots, from the columns
//     of ahead.go; timeline.go: whole pasts, to learn from.
//   - conformal.go, margins.go: from forecasts and what came of them to
//     quantiles that keep their promise, and to the margins of package forecast.
//   - set.go: everything one night of training leaves in service.
//   - recall.go: the past, slot by slot, for package classify, which tells the
//     class of workloads that came without one.
//
// To serve forecasts: load a Set from package registry, keep a History for each
// workload and Add every sample to it, and ask Set.Chain for the Forecast of
// Describe(workload, history), or of Observed(history), as often as it should be
// fresh. Set.Margins go with them. The example of Chain shows it.
//
// Fitted predictors are immutable and safe for concurrent use; a History has
// one owner.
package models
