package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
)

// plan is what the command line asks for.
type plan struct {
	rows, test, columns int
	trees, depth        int
	quantiles           []float64
	runs                int
	seed                uint64
	trace               string // FORMAT:PATH, "" = made up rows
	python              string
	alone               bool
	output              string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "gbdt:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	p, err := parse(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "auspex-gbdt-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	results, err := p.measure(ctx, dir, stderr)
	if len(results) > 0 { // what was measured before an interrupt counts
		err = errors.Join(err, print(stdout, p.output, results))
	}
	return err
}

// measure lets all contestants take turns.
func (p plan) measure(ctx context.Context, dir string, log io.Writer) (results []result, err error) {
	var contestants []contestant
	if !p.alone {
		contestants = peers(p, dir)
	}
	for turn := range p.runs {
		d, err := p.data(ctx, p.seed+uint64(turn)) // fresh rows each turn
		if err != nil {
			return results, err
		}
		if err := d.write(dir); err != nil {
			return results, err
		}
		for k, q := range p.quantiles {
			fmt.Fprintf(log, "turn %d of %d, quantile %g: %d rows x %d columns\n", turn+1, p.runs, q, d.train.Rows(), len(d.train.Columns))
			r, err := ours(ctx, p, d, q)
			if err != nil {
				return results, err
			}
			results = append(results, r)
			for _, c := range contestants {
				if k > 0 && !c.quantile {
					continue
				}
				r, err := c.run(ctx, q)
				if err != nil {
					return results, err
				}
				results = append(results, r)
			}
		}
	}
	return results, nil
}

func parse(args []string, stderr io.Writer) (plan, error) {
	p := plan{}
	f := flag.NewFlagSet("gbdt", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&p.rows, "rows", 1_000_000, "rows to train on")
	f.IntVar(&p.test, "test", 200_000, "rows to judge on")
	f.IntVar(&p.columns, "columns", 34, "columns, at least 12")
	f.IntVar(&p.trees, "trees", 100, "trees of each model")
	f.IntVar(&p.depth, "depth", 6, "depth of each tree")
	quantiles := f.String("quantiles", "0.5,0.9,0.99", "levels to fit, each on its own")
	f.IntVar(&p.runs, "runs", 3, "turns, each on rows of its own")
	f.Uint64Var(&p.seed, "seed", 1, "decides the rows")
	f.StringVar(&p.trace, "trace", "", "FORMAT:PATH of recorded usage: predict the peak CPU of the next hour instead of made-up rows")
	f.StringVar(&p.python, "python", "/usr/bin/python3", "an interpreter that has the other libraries")
	f.BoolVar(&p.alone, "alone", false, "measure models/gbdt only")
	f.StringVar(&p.output, "o", "table", "table or json")
	if err := f.Parse(args); err != nil {
		return p, err
	}
	for _, s := range strings.Split(*quantiles, ",") {
		q, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return p, fmt.Errorf("--quantiles %q: %w", *quantiles, err)
		}
		p.quantiles = append(p.quantiles, q)
	}
	if p.rows < 1000 || p.test < 1000 || p.columns < 12 || p.runs < 1 || p.output != "table" && p.output != "json" {
		return p, errors.New("want at least 1000 rows, 12 columns and 1 run, and -o table or json")
	}
	return p, nil
}

// result is one model fitted and judged.
type result struct {
	Name        string  `json:"name"`
	Quantile    float64 `json:"quantile"`
	FitCPU      float64 `json:"fit_cpu_seconds"`
	FitWall     float64 `json:"fit_wall_seconds"`
	PredictCPU  float64 `json:"predict_cpu_micros_per_row"`
	Pinball     float64 `json:"pinball,omitempty"` // on the test rows; 0 = it has no such loss
	Covered     float64 `json:"covered,omitempty"` // share of the test rows at or below the prediction
	Description string  `json:"description"`
}

// mean is the results of one contestant at one quantile, averaged over the turns.
func mean(results []result) (means []result) {
	at := map[string]int{}
	count := map[string]float64{}
	for _, r := range results {
		key := fmt.Sprint(r.Name, r.Quantile)
		if _, seen := at[key]; !seen {
			at[key] = len(means)
			means = append(means, result{Name: r.Name, Quantile: r.Quantile, Description: r.Description})
		}
		m := &means[at[key]]
		n := count[key]
		for _, f := range [...]struct{ sum, x *float64 }{
			{&m.FitCPU, &r.FitCPU}, {&m.FitWall, &r.FitWall}, {&m.PredictCPU, &r.PredictCPU}, {&m.Pinball, &r.Pinball}, {&m.Covered, &r.Covered},
		} {
			*f.sum = (*f.sum*n + *f.x) / (n + 1)
		}
		count[key]++
	}
	return means
}

func print(w io.Writer, output string, results []result) error {
	if output == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Means []result `json:"means"`
			Runs  []result `json:"runs"`
		}{mean(results), results})
	}
	fmt.Fprintf(w, "%-14s %8s %10s %10s %14s %12s %9s\n", "mean of turns", "quantile", "fit cpu s", "fit wall s", "predict µs/row", "pinball", "covered")
	for _, r := range mean(results) {
		fmt.Fprintf(w, "%-14s %8g %10.2f %10.2f %14.3f %12.6g %9.4f\n", r.Name, r.Quantile, r.FitCPU, r.FitWall, r.PredictCPU, r.Pinball, r.Covered)
	}
	for _, name := range names(results) {
		fmt.Fprintln(w, name)
	}
	return nil
}

// names says once for each contestant what it is.
func names(results []result) (lines []string) {
	seen := map[string]bool{}
	for _, r := range results {
		if !seen[r.Name] {
			seen[r.Name] = true
			lines = append(lines, r.Name+": "+r.Description)
		}
	}
	return lines
}
