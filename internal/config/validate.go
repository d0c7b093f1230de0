package config

import (
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
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
type rules struct {
	problems []Problem
	unsure   func(key string) bool // its value, or what is under it, may not be what the operator meant
}

// sure reports whether a rule may compare the values of keys.
func (r *rules) sure(keys ...string) bool { return !slices.ContainsFunc(keys, r.unsure) }

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

// validate returns the rules that c breaks, by section. Rules that compare keys
// are left out where one of them is unsure.
func (c *Config) validate(unsure func(key string) bool) []Problem {
	r := rules{unsure: unsure}
	r.require(c.DataDir != "", "data_dir", "is empty")
	c.Server.validate(&r)
	oneOf(&r, "log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf(&r, "log.format", c.Log.Format, "text", "json")
	c.Store.validate(&r)
	c.Collector.validate(&r)
	if r.sure("forecast.slot", "forecast.slots") {
		r.refuse("forecast", c.Grid().Validate())
	}
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
	c.Power.validate(&r)
	c.validateGeography(&r)
	return r.problems
}

func atLeast(r *rules, key string, d, least time.Duration) {
	r.require(d >= least, key, "%s is less than %s", formatDuration(d), formatDuration(least))
}

func isProbability(r *rules, key string, p float64) {
	r.require(p > 0 && p < 1, key, "%g is not between 0 and 1 (such as 0.01)", p)
}

func (s Server) validate(r *rules) {
	grpc, ok := isLoopback(r, "server.grpc_address", s.GRPCAddress)
	if s.HTTPAddress != "" {
		http, alsoOK := isLoopback(r, "server.http_address", s.HTTPAddress)
		if ok && alsoOK && r.sure("server.grpc_address", "server.http_address") {
			r.require(!grpc.collides(http), "server.http_address", "%q is taken by server.grpc_address", s.HTTPAddress)
		}
	}
	r.require(s.MaxMessageBytes >= 64<<10 && s.MaxMessageBytes <= 1<<30, "server.max_message_bytes", "%d is not between 64KiB and 1GiB", s.MaxMessageBytes)
	r.require(s.MaxBatch > 0 && s.MaxBatch <= 10_000, "server.max_batch", "%d is not between 1 and 10000", s.MaxBatch)
	r.require(s.MaxStreams > 0 && s.MaxStreams <= 1<<20, "server.max_streams", "%d is not between 1 and %d", s.MaxStreams, 1<<20)
	atLeast(r, "server.max_deadline", s.MaxDeadline, 0)
	atLeast(r, "server.drain_timeout", s.DrainTimeout, 0)
}

// address is where something listens.
type address struct {
	ip   net.IP // nil is localhost, whichever of IPv4 and IPv6 that is
	port uint64 // 0 is any that is free
}

func (a address) collides(b address) bool {
	return a.port == b.port && a.port != 0 && (a.ip == nil || b.ip == nil || a.ip.Equal(b.ip))
}

func isLoopback(r *rules, key, text string) (address, bool) {
	host, portText, err := net.SplitHostPort(text)
	if err != nil {
		r.require(false, key, "%q is not host:port (such as 127.0.0.1:7070)", text)
		return address{}, false
	}
	ip := net.ParseIP(host)
	local := host == "localhost" || ip != nil && ip.IsLoopback()
	r.require(local, key, "%q is not a loopback address: calls are not encrypted, so only this machine may make them (use 127.0.0.1 or [::1])", text)
	port, err := strconv.ParseUint(portText, 10, 16)
	r.require(err == nil, key, "port %q is not between 0 and 65535", portText)
	return address{ip, port}, local && err == nil
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
	r.require(t.Keep >= 1, "training.keep", "%d is below 1", t.Keep)
	atLeast(r, "training.shadow.duration", t.Shadow.Duration, time.Hour)
	r.require(t.Shadow.Cases >= 1, "training.shadow.cases", "%d is below 1", t.Shadow.Cases)
}

func (p Placement) validate(r *rules) {
	atLeast(r, "placement.reservation_ttl", p.ReservationTTL, time.Second)
	r.require(p.HeartbeatTimeout != 0, "placement.heartbeat_timeout", "is 0 (negative is never)")
	r.require(p.HeartbeatTimeout <= 0 || p.HeartbeatTimeout >= time.Second, "placement.heartbeat_timeout", "%s is less than 1s", formatDuration(p.HeartbeatTimeout))
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
		r.require(ok || r.unsure("classes."+class), key, "no class has this name%s", didYouMean(class, slices.Sorted(maps.Keys(c.Classes))))
		check(key, c.Scoring.Classes[class])
	}
}

// validateQueues mends a copy of the queues as it goes, so that what is wrong
// with one does not hide what is wrong with the others.
func (c *Config) validateQueues(r *rules) {
	queues := c.queues()
	for i := range queues {
		q, key := &queues[i], "queues."+queues[i].Name
		if q.Weight < 0 {
			r.require(false, key+".weight", "%g is negative", q.Weight)
			q.Weight = 0
		}
		if _, ok := c.Queues[q.Parent]; !ok && q.Parent != "" && q.Parent != allocator.Default {
			r.require(r.unsure("queues."+q.Parent), key+".parent", "no queue has the name %q%s", q.Parent, didYouMean(q.Parent, slices.Sorted(maps.Keys(c.Queues))))
			q.Parent = ""
		}
	}

	shape := slices.Clone(queues)
	for i := range shape {
		shape[i].Guarantee, shape[i].Limit = resource.Vector{}, resource.Vector{}
	}
	wrong := c.requireTree(r, shape)
	for i := range queues {
		if slices.Contains(wrong, "queues."+queues[i].Name) {
			queues[i].Parent = ""
		}
	}
	c.requireTree(r, queues)
}

// requireTree reports why queues make no tree, and returns the keys it is about.
func (c *Config) requireTree(r *rules, queues []allocator.Queue) []string {
	_, err := allocator.NewTree(queues)
	var about []string
	for _, p := range problemsOf(err) {
		c.placeAtQueue(&p)
		r.problems = append(r.problems, p)
		about = append(about, p.Key)
	}
	return about
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

// queues returns the queues as the allocator takes them.
func (c *Config) queues() []allocator.Queue {
	queues := make([]allocator.Queue, 0, len(c.Queues))
	for _, name := range slices.Sorted(maps.Keys(c.Queues)) {
		q := c.Queues[name]
		queues = append(queues, allocator.Queue{Name: name, Parent: q.Parent, Weight: q.Weight, Guarantee: q.Guarantee, Limit: q.Limit})
	}
	return queues
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
