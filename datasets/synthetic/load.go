package synthetic

import (
	"math"
	"time"

	"github.com/auspex-project/auspex/workload"
)

// load is what a member uses, as shares of its limits, each in [0, 1].
type load struct {
	cpu, memory, gpu, gpuMemory float64
}

// load returns what m uses at a moment at which it runs.
func (a *app) load(m *Member, at time.Time) load {
	var l load
	switch a.class {
	case workload.Service:
		l = a.service(m, at)
	case workload.Stream:
		l = a.stream(m, at)
	case workload.Batch:
		l = a.batch(m, at)
	case workload.Cron:
		l = a.cron(m, at)
	case workload.MLInference:
		l = a.inference(m, at)
	case workload.MLTraining:
		l = a.training(m, at)
	}
	return load{hold(l.cpu), hold(l.memory), hold(l.gpu), hold(l.gpuMemory)}
}

func hold(x float64) float64 { return min(max(x, .001), 1) }

// demand is the app's load on its daily and weekly rhythm, the same for all its
// members: about 0 at night and 1 at the peak.
func (a *app) demand(at time.Time) float64 {
	d := daily(hourOfDay(at, a.ahead), a.peak, a.sharp)
	if weekend(at, a.ahead) {
		d *= a.rest
	}
	weeks := float64(at.Unix()-defaultEnd) / (7 * 86400)
	d *= min(max(1+a.growth*weeks, .5), 1.5)
	return d * (1 + .12*noise(a.seed, at, 7*time.Hour, saltSlow) + .08*noise(a.seed, at, time.Hour, saltHour))
}

// jitter is what sets one member apart from its app, around 1.
func (m *Member) jitter(at time.Time) float64 {
	white := 2*uniform(m.seed, uint64(at.Unix()), saltWhite) - 1
	return 1 + .08*noise(m.seed, at, 30*time.Minute, saltQuick) + .06*white
}

func (a *app) service(m *Member, at time.Time) load {
	d := a.demand(at)
	d += .5 * bursts(a.seed, at, 6*time.Hour, .05, 90*time.Minute)
	cpu := (a.idle + a.busy*d) * m.jitter(at)
	sinceDeploy := a.sinceDeployment(at)
	if sinceDeploy < 10*time.Minute {
		cpu += .15 // caches are cold
	}
	leaked := a.leak * float64(sinceDeploy) / float64(a.deploy)
	return load{cpu: cpu, memory: a.memory + .12*d + leaked + .01*noise(m.seed, at, 2*time.Hour, saltSlow)}
}

func (a *app) sinceDeployment(at time.Time) time.Duration {
	phase := time.Duration(a.seed % uint64(a.deploy))
	return time.Duration((at.UnixNano() + int64(phase)) % int64(a.deploy))
}

func (a *app) stream(m *Member, at time.Time) load {
	burst := bursts(a.seed, at, 30*time.Minute, .04, 80*time.Minute)
	d := .4*a.demand(at) + .6*burst
	cpu := (a.idle + a.busy*d) * m.jitter(at)
	return load{cpu: cpu, memory: a.memory + .1*min(d, 3) + .03*noise(m.seed, at, 3*time.Hour, saltSlow)}
}

// batch reads, computes, exchanges and writes.
func (a *app) batch(m *Member, at time.Time) load {
	x := m.done(at)
	cpu := .8 * a.busy
	switch {
	case x < .1:
		cpu = .3 * a.busy
	case x < .6:
		cpu = a.busy
	case x < .75:
		cpu = .35 * a.busy
	}
	memory := a.memory * min(.25+x, 1)
	return load{cpu: cpu * m.jitter(at), memory: memory}
}

// cron runs at its times and does next to nothing in between.
func (a *app) cron(m *Member, at time.Time) load {
	sinceEpoch := at.UnixNano() - int64(a.offset)
	run := uint64(sinceEpoch / int64(a.every))
	length := time.Duration((.6 + .8*uniform(m.seed, run, saltRun)) * float64(a.length))
	if time.Duration(sinceEpoch%int64(a.every)) >= length {
		return load{cpu: a.idle, memory: a.memory}
	}
	height := .8 + .3*uniform(m.seed, run, saltBurstHeight)
	return load{cpu: a.busy * height * m.jitter(at), memory: a.memory + .35*height}
}

func (a *app) inference(m *Member, at time.Time) load {
	d := a.demand(at) + .4*bursts(a.seed, at, 3*time.Hour, .05, time.Hour)
	j := m.jitter(at)
	return load{
		cpu:       (a.idle + a.busy*d) * j,
		memory:    a.memory + .02*noise(m.seed, at, 6*time.Hour, saltSlow),
		gpu:       (.05 + .55*d) * j,
		gpuMemory: .75 + .05*noise(m.seed, at, 6*time.Hour, saltHour),
	}
}

// training loads its data, then repeats epochs that end in an evaluation.
func (a *app) training(m *Member, at time.Time) load {
	const loading = 10 * time.Minute
	ran := at.Sub(m.Start)
	if ran < loading {
		return load{cpu: .9, memory: a.memory * (.3 + .7*float64(ran)/float64(loading)), gpu: .05, gpuMemory: .2}
	}
	epoch := time.Duration(20+a.seed%70) * time.Minute
	x := math.Mod(float64(ran-loading)/float64(epoch), 1)
	j := m.jitter(at)
	l := load{cpu: a.busy * j, memory: a.memory, gpu: .93 * j, gpuMemory: .9}
	if x > .93 {
		l.gpu, l.cpu = .4*j, .6*a.busy*j
	}
	return l
}

// done returns how much of its run m has behind it, in [0, 1).
func (m *Member) done(at time.Time) float64 {
	return float64(at.Sub(m.Start)) / float64(m.End.Sub(m.Start))
}
