// Package classify tells the class of workloads that came without one, from what
// they ask for and how they behave: the k nearest labelled workloads vote, and
// where fewer than Confidence of them agree the answer is that nobody knows.
//
//   - features.go: a workload as a point, free of scale, in two spaces: one of
//     requests and usage, one of requests alone for workloads never seen.
//   - sampler.go: which labelled workloads are kept, a bounded number.
//   - neighbours.go: golearn's k-d tree, made safe.
//   - space.go: labelled points, standardised; their vote.
//   - fit.go: what is learned and kept.
//   - evaluate.go, baseline.go: how good the votes are for apps that were held
//     out, beside the largest class and the nearest centroid. A space that does
//     not beat both is not used.
//   - codec.go: a fitted classifier as the files of an artefact.
package classify
