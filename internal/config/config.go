package config

import (
	"time"

	"github.com/auspex-project/auspex/resource"
)

// Config is everything an operator can set. The tags of a field are its
// contract: its key, its documentation, its unit, and whether a change takes
// effect while the program runs (live) or at the next start.
type Config struct {
	DataDir   string    `key:"data_dir" doc:"folder that all paths left empty below are put in"`
	Server    Server    `key:"server"`
	Log       Log       `key:"log"`
	Store     Store     `key:"store"`
	Collector Collector `key:"collector"`
	Forecast  Forecast  `key:"forecast"`
	Models    Models    `key:"models"`
	Training  Training  `key:"training"`
	Placement Placement `key:"placement"`
	Resources Resources `key:"resources"`

	Classes map[string]Class `key:"classes" live:"yes" doc:"kinds of workloads by name; replaces the built-in classes of the same name, adds others"`
	Scoring Scoring          `key:"scoring" live:"yes"`
	Queues  map[string]Queue `key:"queues" live:"yes" doc:"who shares the fleet, by name; none is one queue without limits"`
	Power   Power            `key:"power" live:"yes"`

	Registry map[string]Machine `key:"registry" live:"yes" doc:"what is vouched for about nodes, by name or pattern (*, ?, [a-z]); the name itself wins over the longest pattern. What a node says of itself in these matters never counts: one that is not here has level 0 and nothing else"`
	Regions  map[string]Region  `key:"regions" live:"yes" doc:"what is known of regions, by name or provider/name"`
	Data     map[string]DataSet `key:"data" live:"yes" doc:"data sets that workloads read, by name; replicas on nodes are told by the nodes"`
	Egress   []Egress           `key:"egress" live:"yes" doc:"prices of moving data from place to place, a list of entries with the keys below; the first that matches holds, without one it is free"`
}

// Server is what listens.
type Server struct {
	GRPCAddress     string        `key:"grpc_address" doc:"where schedulers and nodes call; plain text, so loopback only"`
	HTTPAddress     string        `key:"http_address" doc:"where /metrics and /healthz are served; empty serves none"`
	MaxMessageBytes Bytes         `key:"max_message_bytes" doc:"largest message, either way"`
	MaxBatch        int           `key:"max_batch" doc:"requests of one batch, members of one gang"`
	MaxStreams      int           `key:"max_streams" doc:"concurrent calls of one connection"`
	MaxDeadline     time.Duration `key:"max_deadline" doc:"longest a unary call may take; 0 leaves it to the table of calls"`
	DrainTimeout    time.Duration `key:"drain_timeout" doc:"how long calls in flight may take to end when stopping"`
}

// Log is how the program logs.
type Log struct {
	Level  string `key:"level" doc:"debug, info, warn or error"`
	Format string `key:"format" doc:"text or json"`
}

// Store is where usage history is kept.
type Store struct {
	Driver    string        `key:"driver" doc:"sqlite or influx"`
	Path      string        `key:"path" doc:"file of the SQLite store; empty is history.db in data_dir"`
	Retention time.Duration `key:"retention" doc:"samples older than this are deleted once a day; 0 keeps all"`
	Influx    Influx        `key:"influx"`
}

// Influx is how the InfluxDB server is reached.
type Influx struct {
	URL    string `key:"url" doc:"such as http://127.0.0.1:8086"`
	Org    string `key:"org" doc:"organisation; empty for InfluxDB 1.8"`
	Bucket string `key:"bucket" doc:"bucket; database/policy for InfluxDB 1.8"`
	Token  Secret `key:"token" doc:"token; user:password for InfluxDB 1.8, empty without authentication"`
}

// Collector is where usage comes from.
type Collector struct {
	MaxClockSkew time.Duration `key:"max_clock_skew" doc:"samples further in the future than this are refused"`
	Spool        Spool         `key:"spool"`
	Host         Host          `key:"host"`
	Prometheus   Prometheus    `key:"prometheus"`
}

// Spool keeps samples on disk until the store has them.
type Spool struct {
	Dir      string `key:"dir" doc:"folder; empty is spool in data_dir"`
	MaxBytes Bytes  `key:"max_bytes" doc:"bound on its size; past it the oldest samples go, counted and logged"`
}

// Host is the source that measures this machine.
type Host struct {
	Enabled  bool          `key:"enabled" doc:"measure this machine's control groups or process groups"`
	Interval time.Duration `key:"interval" doc:"time between measurements"`
	Node     string        `key:"node" doc:"name of this machine in the fleet; empty is its host name"`
}

// Prometheus is the source that asks a Prometheus server.
type Prometheus struct {
	URL      string        `key:"url" doc:"such as http://127.0.0.1:9090; empty asks none"`
	Interval time.Duration `key:"interval" doc:"time between questions"`
	Step     time.Duration `key:"step" doc:"resolution of the samples"`
	Backfill time.Duration `key:"backfill" doc:"how far back the first question goes"`
	Queries  []Query       `key:"queries" doc:"what to ask, a list of entries with the keys below"`
}

// Query is one PromQL expression and what its result means.
type Query struct {
	Resource string            `key:"resource" doc:"resource the expression measures, in its base unit (cores, bytes, devices, bytes/s)"`
	Limit    bool              `key:"limit" doc:"the expression gives the limit rather than the usage"`
	Expr     string            `key:"expr" doc:"PromQL"`
	Labels   map[string]string `key:"labels" doc:"from the fields workload, app, class, queue, node to the label each is read from"`
}

// Forecast is how forecasts are cut and refreshed.
type Forecast struct {
	Slot    time.Duration `key:"slot" doc:"length of one slot of the horizon"`
	Slots   int           `key:"slots" doc:"number of slots after which a profile repeats"`
	Refresh time.Duration `key:"refresh" doc:"time between refreshes of the forecast table"`
	Late    time.Duration `key:"late" doc:"how late samples may come and still count at the next refresh"`
}

// Models is where fitted models are kept.
type Models struct {
	Dir string `key:"dir" doc:"folder of the model registry; empty is models in data_dir"`
}

// Training is when and how models are fitted.
type Training struct {
	Schedule string        `key:"schedule" doc:"cron expression (minute hour day month weekday, local time) inside serve; empty trains only by command"`
	History  time.Duration `key:"history" doc:"how much of the past to learn from"`
	Seed     uint64        `key:"seed" doc:"of everything random in training; the same seed and data give the same models"`
	Keep     int           `key:"keep" doc:"nights whose reports are kept, and former champions of each role that can be rolled back to; the rest is removed at the end of a night"`
	Shadow   Shadow        `key:"shadow"`
}

// Shadow is how a model that won the gate is tried before it serves.
type Shadow struct {
	Enabled  bool          `key:"enabled" doc:"try a new model beside the champion before it serves; else it serves at once, as it does anyway where nothing better than percentiles serves"`
	Duration time.Duration `key:"duration" doc:"shortest trial; one that cannot gather its cases ends after seven times as long"`
	Cases    int           `key:"cases" doc:"fewest forecasts held against what happened before a trial ends well"`
}

// Placement is how decisions are made and kept.
type Placement struct {
	JournalDir       string        `key:"journal_dir" doc:"folder of what must survive a restart; empty is journal in data_dir"`
	ReservationTTL   time.Duration `key:"reservation_ttl" live:"yes" doc:"how long a reservation waits to be confirmed"`
	HeartbeatTimeout time.Duration `key:"heartbeat_timeout" live:"yes" doc:"silence after which a node gets no new work; negative is never"`
	WaitFor          time.Duration `key:"wait_for" live:"yes" doc:"how long a refused demand keeps its claim against other queues; negative is not at all"`
	ColdStart        string        `key:"cold_start" live:"yes" doc:"what a workload without any forecast counts for: limit or request"`
	KeepDecisions    int           `key:"keep_decisions" live:"yes" doc:"newest decisions kept for explain and for repeated requests"`
	KeepFor          time.Duration `key:"keep_for" live:"yes" doc:"how long a decision is kept"`
	Seed             uint64        `key:"seed" live:"yes" doc:"shuffles the order among nodes of equal score"`
}

// Resources is what can be measured beside the standard resources.
type Resources struct {
	Custom []string `key:"custom" doc:"names that samples may hold beside cpu, memory, gpu, gpu_memory, disk, disk_io and network, counted in plain units"`
}

// Class is one kind of workload.
type Class struct {
	Tier             string        `key:"tier" doc:"guaranteed or revocable (uses slack, yields first)"`
	Weight           float64       `key:"weight" doc:"who stays when one of a tier must yield; the higher"`
	Horizon          time.Duration `key:"horizon" doc:"how far ahead predicted resources must suffice"`
	Risk             float64       `key:"risk" doc:"how often a forecast may be exceeded, between 0 and 1"`
	OvercommitMemory bool          `key:"overcommit_memory" doc:"place memory by its forecast rather than by its request"`
}

// Scoring is how much each scorer counts.
type Scoring struct {
	Default map[string]float64            `key:"default" doc:"weight of each scorer, 0 or more; replaces the built-in weight"`
	Classes map[string]map[string]float64 `key:"classes" doc:"weights that differ for a class, by class and scorer"`
}

// Queue is one sharer of the fleet.
type Queue struct {
	Parent    string          `key:"parent" doc:"queue it is part of; empty is the top"`
	Weight    float64         `key:"weight" doc:"share relative to its siblings; 0 counts as 1"`
	Guarantee resource.Vector `key:"guarantee" doc:"what it gets before anyone gets more, such as {cpu: 10, memory: 64GiB}"`
	Limit     resource.Vector `key:"limit" doc:"what it gets at most; absent resources are not limited"`
}

// Power is what may be drawn.
type Power struct {
	Racks map[string]float64 `key:"racks" unit:"watts" doc:"most a rack may be predicted to draw, by its name"`
	PDUs  map[string]float64 `key:"pdus" unit:"watts" doc:"most a power distribution unit may be predicted to draw, by its name"`
	Sites map[string]float64 `key:"sites" unit:"watts" doc:"most a site may be predicted to draw, by its name"`
	Risk  float64            `key:"risk" doc:"how often a predicted draw may be exceeded, between 0 and 1"`

	Energy map[string]Energy `key:"energy" doc:"what a kilowatt-hour costs, by site"`
}

// Energy is what a kilowatt-hour costs at a site, by hour of the day.
type Energy struct {
	Carbon []float64 `key:"carbon" unit:"grams/kWh" doc:"grams of CO2 equivalent: 24 values from 00:00 UTC on, or one for all hours"`
	Price  []float64 `key:"price" unit:"currency/kWh" doc:"price: 24 values from 00:00 UTC on, or one for all hours"`
}

// Machine is what the operator vouches for about nodes.
type Machine struct {
	Level           int      `key:"level" doc:"security level, 0 or more"`
	Compartments    []string `key:"compartments" doc:"security compartments it may hold"`
	Attested        bool     `key:"attested" doc:"its state has been attested"`
	DedicatedTenant string   `key:"dedicated_tenant" doc:"kept free for this tenant; empty is any"`
	DedicatedQueue  string   `key:"dedicated_queue" doc:"kept free for this queue; empty is any"`
}

// Region is what is known of a region.
type Region struct {
	Country string `key:"country" doc:"country whose law it stands under, two capital letters such as DE"`
}

// DataSet is what is known of data.
type DataSet struct {
	Size     Bytes    `key:"size" doc:"what reading all of it moves; used where a workload does not say"`
	Replicas []string `key:"replicas" doc:"where it is, as provider/region/zone/rack or less from the left: aws/eu-central-1 is anywhere in the region"`
}

// Egress is a price of moving data.
type Egress struct {
	From   string  `key:"from" doc:"place the data leave, as in data.*.replicas; * is any"`
	To     string  `key:"to" doc:"place they go to, likewise"`
	PerGiB float64 `key:"per_gib" unit:"currency/GiB" doc:"price"`
}

// Bytes is a size, written with a unit such as 64MiB.
type Bytes int64

// Secret is text that is never printed.
type Secret string

const redacted = "[redacted]"

// String keeps the secret out of logs and %v.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString keeps it out of %#v.
func (s Secret) GoString() string { return s.String() }
