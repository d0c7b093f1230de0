// Package contest judges on recorded traces how well classes can be told ahead:
// how long a job will run, how large a deployment will grow, how busy a machine
// will be. The buckets are those of Resource Central (Cortez et al., SOSP 2017).
//
//   - question.go: what is asked, and a case of it.
//   - bucket.go: the buckets.
//   - job.go, past.go: questions about arrivals, answered from the request and
//     from what became of earlier ones of the same owner, app and shape.
//   - usage.go: questions about the coming day of a running workload.
//   - contestant.go, trees.go: who answers.
//   - judge.go, report.go: the contest and what came of it.
//
// Nothing is known before its time. What is asked at a moment is answered from
// what had ended by then; contestants learn from cases whose answer was known
// before the first one they are judged on; and which of them would have been put
// in service is decided on cases before that.
package contest
