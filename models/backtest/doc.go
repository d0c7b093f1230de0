// Package backtest is the yardstick of forecasts: it replays the past, lets
// contestants predict the peak of machines they have only seen up to then, and
// counts what each would have violated and saved.
//
// A Panel holds the usage of one resource by many workloads on a regular grid of
// time. A Machine is a set of them: seeded random groups, where the trace gives
// no placement. At each origin a Contestant predicts the machine's peak over
// the horizon from what lies before; the truth, the oracle, is the largest sum
// of the usages of the workloads present at the origin (peak oracle of Bashir et
// al., "Take it to the limit: peak prediction-driven resource overcommitment in
// datacenters", EuroSys'21, section 3).
//
// Protocol (protocol.go) says how contestants are compared on a whole trace
// (read.go, grid.go): which days are tested (calendar.go, split.go), with which
// margins (calibrate.go, surely.go), how they are scored (judgement.go, metrics.go),
// how sure that is (bootstrap.go), how newborn workloads fare (cold.go) and what is
// reported (report.go). To add a contestant, write its file in package baseline and
// enter it in all.go there.
//
// Package baseline has the contestants known from public systems, one a file;
// package learned has ours; package plot draws reports.
package backtest
