// Command growth measures what a decision costs on fleets of growing size, writes
// the figures down, and draws them beside a line that grows as the fleet does.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/auspex-project/auspex/bench/engine"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

// point is what was measured on one fleet.
type point struct {
	engine.Case
	engine.Result
}

// micros returns the CPU time of a decision and its release in microseconds.
func (p point) micros() float64 { return 1e6 / p.PerCPU }

func run(args []string, out io.Writer) error {
	f := flag.NewFlagSet("growth", flag.ContinueOnError)
	nodes := f.String("nodes", "1000,3000,10000,30000,100000", "sizes of the fleet")
	mixes := f.String("mixes", "alike,fifty,different", "request shapes")
	full := f.Float64("full", .5, "share of the fleet that is requested")
	each := f.Duration("time", 3*time.Second, "about how long to measure each point")
	to := f.String("o", "growth.svg", "where to draw, .svg or .png; empty is nowhere")
	if err := f.Parse(args); err != nil {
		return err
	}
	fmt.Fprintf(out, "%-10s %8s %16s %10s %10s %10s\n", "mix", "nodes", "decisions/cpu-s", "µs (CPU)", "p50 µs", "p99 µs")
	var points []point
	for _, mix := range strings.Split(*mixes, ",") {
		for _, text := range strings.Split(*nodes, ",") {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return fmt.Errorf("nodes %q: want numbers of 1 or more", text)
			}
			p, err := measure(engine.Case{Nodes: n, Full: *full, Mix: engine.Mix(mix)}, *each)
			if err != nil {
				return err
			}
			points = append(points, p)
			fmt.Fprintf(out, "%-10s %8d %16.0f %10.1f %10.1f %10.1f\n", mix, n, p.PerCPU, p.micros(), micros(p.P50), micros(p.P99))
		}
	}
	for _, mix := range strings.Split(*mixes, ",") {
		if slope, ok := growth(points, engine.Mix(mix)); ok {
			fmt.Fprintf(out, "%s: a decision costs about nodes^%.2f\n", mix, slope)
		}
	}
	if *to == "" {
		return nil
	}
	return picture(points, *to)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// measure takes as many steps as fit into about the time given, at least a few.
func measure(c engine.Case, about time.Duration) (point, error) {
	defer runtime.GC()
	b, err := engine.Open(c)
	if err != nil {
		return point{}, err
	}
	const probe = 500 // enough for every one of fifty shapes to be known
	first, err := b.Measure(probe, probe)
	if err != nil {
		return point{}, err
	}
	steps := max(2*probe, int(about/first.P50))
	r, err := b.Measure(0, steps)
	return point{c, r}, err
}
