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
// Package baseline has the contestants known from public systems, one a file.
package backtest
