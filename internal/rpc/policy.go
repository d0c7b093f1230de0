package rpc

import "time"

// rateClass groups RPCs that compete for the same limit of calls in flight.
type rateClass string

const (
	deciding  rateClass = "deciding"  // on a scheduler's critical path
	batching  rateClass = "batching"  // the same, many at once
	reporting rateClass = "reporting" // node agents: heartbeats and usage
	operating rateClass = "operating" // people and their tools
	probing   rateClass = "probing"   // is it there, what does it offer
)

// inFlight is how many calls of each class may run at once; more are refused
// with RESOURCE_EXHAUSTED, so that none of the classes starves another.
var inFlight = map[rateClass]int64{
	deciding:  4096,
	batching:  128,
	reporting: 1024,
	operating: 64,
	probing:   64,
}

// policy is what holds for one RPC.
type policy struct {
	class    rateClass
	deadline time.Duration // the longest a call may take; a client's own may be shorter
	open     bool          // answered without a principal
}

const (
	health     = "/grpc.health.v1.Health/"
	reflection = "/grpc.reflection."
	placements = "/auspex.v1.PlacementService/"
	nodes      = "/auspex.v1.FleetService/"
	forecasts  = "/auspex.v1.ForecastService/"
	shares     = "/auspex.v1.ShareService/"
)

// policies lists every RPC there is. What is not here is refused.
var policies = map[string]policy{
	placements + "Place":        {class: deciding, deadline: 5 * time.Second},
	placements + "PlaceGang":    {class: batching, deadline: 10 * time.Second},
	placements + "PlaceBatch":   {class: batching, deadline: 10 * time.Second},
	placements + "PlaceStream":  {class: batching, deadline: time.Hour}, // each message has the time of a batch
	placements + "ConfirmBatch": {class: batching, deadline: 10 * time.Second},
	placements + "ReleaseBatch": {class: batching, deadline: 10 * time.Second},
	placements + "Confirm":      {class: deciding, deadline: 5 * time.Second},
	placements + "Release":      {class: deciding, deadline: 5 * time.Second},
	placements + "Explain":      {class: operating, deadline: 10 * time.Second},

	nodes + "RegisterNode": {class: reporting, deadline: 10 * time.Second},
	nodes + "Heartbeat":    {class: reporting, deadline: 5 * time.Second},
	nodes + "ReportUsage":  {class: reporting, deadline: time.Hour}, // one stream carries many reports
	nodes + "ListNodes":    {class: operating, deadline: 10 * time.Second},
	nodes + "Drain":        {class: operating, deadline: 10 * time.Second},
	nodes + "RemoveNode":   {class: operating, deadline: 10 * time.Second},

	forecasts + "Predict": {class: deciding, deadline: 5 * time.Second},
	shares + "ListShares": {class: operating, deadline: 10 * time.Second},

	health + "Check": {class: probing, deadline: 5 * time.Second, open: true},
	health + "List":  {class: probing, deadline: 5 * time.Second, open: true},
	health + "Watch": {class: probing, deadline: 24 * time.Hour, open: true},

	reflection + "v1.ServerReflection/ServerReflectionInfo":      {class: probing, deadline: 5 * time.Minute},
	reflection + "v1alpha.ServerReflection/ServerReflectionInfo": {class: probing, deadline: 5 * time.Minute},
}
