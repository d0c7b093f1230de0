package config

import (
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// rules gathers what breaks one.
type rules struct{ problems []Problem }

func (r *rules) require(ok bool, key, format string, args ...any) {
	if !ok {
		r.problems = append(r.problems, Problem{Key: key, Message: fmt.Sprintf(format, args...)})
	}
}

// refuse reports err, if any, as being about key.
func (r *rules) refuse(key string, err error) {
	if err != nil {
		r.require(false, key, "%v", err)
	}
}

// problemsOf returns a problem for err, or for each error joined in it.
func problemsOf(err error) []Problem {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []Problem{{Message: err.Error()}}
	}
	var problems []Problem
	for _, e := range joined.Unwrap() {
		problems = append(problems, problemsOf(e)...)
	}
	return problems
}

func oneOf(r *rules, key, value string, allowed ...string) {
	r.require(slices.Contains(allowed, value), key, "%q is not one of %s", value, strings.Join(allowed, ", "))
}

// validate returns the rules that c breaks, in the order of the file's sections.
func (c *Config) validate() []Problem {
	var r rules
	r.require(c.DataDir != "", "data_dir", "is empty")
	c.Server.validate(&r)
	oneOf(&r, "log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf(&r, "log.format", c.Log.Format, "text", "json")
	c.Store.validate(&r)
	c.Collector.validate(&r)
	r.refuse("forecast", c.Grid().Validate())
	atLeast(&r, "forecast.refresh", c.Forecast.Refresh, time.Second)
	atLeast(&r, "forecast.late", c.Forecast.Late, 0)
	c.Training.validate(&r)
	c.Placement.validate(&r)
	for i, name := range c.Resources.Custom {
		n, key := resource.Name(name), fmt.Sprintf("resources.custom[%d]", i)
		r.refuse(key, n.Validate())
		r.require(!slices.Contains(resource.Standard(), n), key, "%s is a standard resource and needs no entry", n)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Classes)) {
		c.Classes[name].validate(&r, "classes."+name)
	}
	c.validateScoring(&r)
	c.validateQueues(&r)
	for _, rack := range slices.Sorted(maps.Keys(c.Power.Racks)) {
		r.require(c.Power.Racks[rack] > 0, "power.racks."+rack, "%g W is not more than 0", c.Power.Racks[rack])
	}
	isProbability(&r, "power.risk", c.Power.Risk)
	return r.problems
}

func atLeast(r *rules, key string, d, least time.Duration) {
	r.require(d >= least, key, "%s is less than %s", formatDuration(d), formatDuration(least))
}

func isProbability(r *rules, key string, p float64) {
	r.require(p > 0 && p < 1, key, "%g is not between 0 and 1 (such as 0.01)", p)
}

func (s Server) validate(r *rules) {
	address := func(key, text string, optional bool) {
		if optional && text == "" {
			return
		}
		host, _, err := net.SplitHostPort(text)
		if err != nil {
			r.require(false, key, "%q is not host:port (such as 127.0.0.1:7070)", text)
			return
		}
		ip := net.ParseIP(host)
		r.require(host == "localhost" || ip != nil && ip.IsLoopback(), key,
			"%q is not a loopback address: calls are not encrypted, so only this machine may make them (use 127.0.0.1 or [::1])", text)
	}
	address("server.grpc_address", s.GRPCAddress, false)
	address("server.http_address", s.HTTPAddress, true)
	r.require(s.MaxMessageBytes >= 64<<10 && s.MaxMessageBytes <= 1<<30, "server.max_message_bytes", "%d is not between 64KiB and 1GiB", s.MaxMessageBytes)
	r.require(s.MaxStreams > 0 && s.MaxStreams <= 1<<20, "server.max_streams", "%d is not between 1 and %d", s.MaxStreams, 1<<20)
	atLeast(r, "server.max_deadline", s.MaxDeadline, 0)
	atLeast(r, "server.drain_timeout", s.DrainTimeout, 0)
}

func (s Store) validate(r *rules) {
	oneOf(r, "store.driver", s.Driver, "sqlite", "influx")
	r.require(s.Retention == 0 || s.Retention >= day, "store.retention", "%s is less than 1d (0 keeps all)", formatDuration(s.Retention))
	if s.Driver == "influx" {
		isURL(r, "store.influx.url", s.Influx.URL)
		r.require(s.Influx.Bucket != "", "store.influx.bucket", "is empty")
	}
}

func isURL(r *rules, key, text string) {
	u, err := url.Parse(text)
	r.require(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", key, "%q is not an address such as http://127.0.0.1:8086", text)
}

func (c Collector) validate(r *rules) {
	atLeast(r, "collector.max_clock_skew", c.MaxClockSkew, 0)
	r.require(c.Spool.MaxBytes >= 1<<20, "collector.spool.max_bytes", "%d is less than 1MiB", c.Spool.MaxBytes)
	atLeast(r, "collector.host.interval", c.Host.Interval, time.Second)
	if c.Prometheus.URL == "" {
		return
	}
	isURL(r, "collector.prometheus.url", c.Prometheus.URL)
	atLeast(r, "collector.prometheus.interval", c.Prometheus.Interval, time.Second)
	atLeast(r, "collector.prometheus.step", c.Prometheus.Step, time.Second)
	atLeast(r, "collector.prometheus.backfill", c.Prometheus.Backfill, 0)
	for i, q := range c.Prometheus.Queries {
		key := fmt.Sprintf("collector.prometheus.queries[%d]", i)
		r.refuse(key+".resource", resource.Name(q.Resource).Validate())
		r.require(q.Expr != "", key+".expr", "is empty")
		for _, field := range slices.Sorted(maps.Keys(q.Labels)) {
			oneOf(r, key+".labels", field, "workload", "app", "class", "queue", "node")
		}
	}
}

func (t Training) validate(r *rules) {
	if t.Schedule != "" {
		if _, err := cron.ParseStandard(t.Schedule); err != nil {
			r.require(false, "training.schedule", "%v (want minute hour day month weekday, such as \"30 2 * * *\")", err)
		}
	}
	atLeast(r, "training.history", t.History, 2*day)
}

func (p Placement) validate(r *rules) {
	atLeast(r, "placement.reservation_ttl", p.ReservationTTL, time.Second)
	r.require(p.HeartbeatTimeout != 0, "placement.heartbeat_timeout", "is 0 (negative is never)")
	r.require(p.WaitFor != 0, "placement.wait_for", "is 0 (negative is not at all)")
	oneOf(r, "placement.cold_start", p.ColdStart, "limit", "request")
	r.require(p.KeepDecisions > 0, "placement.keep_decisions", "%d is not more than 0", p.KeepDecisions)
	atLeast(r, "placement.keep_for", p.KeepFor, time.Second)
}

func (c Class) validate(r *rules, key string) {
	oneOf(r, key+".tier", c.Tier, string(workload.Guaranteed), string(workload.Revocable))
	r.require(c.Weight > 0, key+".weight", "%g is not more than 0", c.Weight)
	atLeast(r, key+".horizon", c.Horizon, time.Minute)
	isProbability(r, key+".risk", c.Risk)
}

func (c *Config) validateScoring(r *rules) {
	check := func(key string, weights map[string]float64) {
		for _, name := range slices.Sorted(maps.Keys(weights)) {
			at := key + "." + name
			r.require(slices.Contains(score.Names(), name), at, "no scorer has this name%s", didYouMean(name, score.Names()))
			r.require(weights[name] >= 0, at, "weight %g is negative", weights[name])
		}
	}
	check("scoring.default", c.Scoring.Default)
	for _, class := range slices.Sorted(maps.Keys(c.Scoring.Classes)) {
		key := "scoring.classes." + class
		_, ok := c.Classes[class]
		r.require(ok, key, "no class has this name%s", didYouMean(class, slices.Sorted(maps.Keys(c.Classes))))
		check(key, c.Scoring.Classes[class])
	}
}

func (c *Config) validateQueues(r *rules) {
	for _, name := range slices.Sorted(maps.Keys(c.Queues)) {
		q, key := c.Queues[name], "queues."+name
		r.require(q.Weight >= 0, key+".weight", "%g is negative", q.Weight)
		_, ok := c.Queues[q.Parent]
		r.require(ok || q.Parent == "" || q.Parent == allocator.Default, key+".parent", "no queue has the name %q%s", q.Parent, didYouMean(q.Parent, slices.Sorted(maps.Keys(c.Queues))))
	}
	if len(r.problems) == 0 { // the tree would only repeat them
		_, err := c.queueTree()
		for _, p := range problemsOf(err) {
			c.placeAtQueue(&p)
			r.problems = append(r.problems, p)
		}
	}
}

// placeAtQueue finds the queue that a message of the allocator is about.
func (c *Config) placeAtQueue(p *Problem) {
	p.Key = "queues"
	about, _ := strings.CutPrefix(p.Message, "queue ")
	name, rest, _ := strings.Cut(about, ": ")
	if _, ok := c.Queues[name]; ok {
		p.Key, p.Message = "queues."+name, rest
	}
}

func (c *Config) queueTree() (*allocator.Tree, error) {
	queues := make([]allocator.Queue, 0, len(c.Queues))
	for _, name := range slices.Sorted(maps.Keys(c.Queues)) {
		q := c.Queues[name]
		queues = append(queues, allocator.Queue{Name: name, Parent: q.Parent, Weight: q.Weight, Guarantee: q.Guarantee, Limit: q.Limit})
	}
	return allocator.NewTree(queues)
}

// Grid returns the grid of all forecasts.
func (c *Config) Grid() forecast.Grid {
	return forecast.Grid{Slot: c.Forecast.Slot, Slots: c.Forecast.Slots}
}

// LogLevel returns the level as slog knows it.
func (l Log) LogLevel() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		return slog.LevelInfo // validate has refused anything else
	}
	return level
}
