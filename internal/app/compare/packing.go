package compare

import (
	"context"
	"fmt"
	"os"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/internal/app/misuse"
	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/internal/app/progress"
	"github.com/auspex-project/auspex/simulation"
	"github.com/auspex-project/auspex/simulation/plot"
)

// PackingRequest says what to replay.
type PackingRequest struct {
	Nodes, Pods string // FORMAT:PATH
	simulation.Options
	Plot string // folder to write plots to, "" = none
}

// Packing replays a trace under several packing policies and prints how much
// of the fleet each filled.
func Packing(ctx context.Context, stdio output.IO, r PackingRequest, format output.Format) error {
	if err := r.Validate(); err != nil {
		return misuse.Errorf("simulate pack: %v", err)
	}
	if r.Plot != "" { // before a long wait, not after it
		if err := os.MkdirAll(r.Plot, 0o755); err != nil {
			return fmt.Errorf("simulate pack: plots: %w", err)
		}
	}
	nodes, err := openFleet("--nodes", r.Nodes)
	if err != nil {
		return err
	}
	if !nodes.HasNodes() {
		return misuse.Errorf("simulate pack: --nodes %s lists arrivals, not nodes (are --nodes and --pods exchanged?)", r.Nodes)
	}
	pods, err := openFleet("--pods", r.Pods)
	if err != nil {
		return err
	}
	if !pods.HasArrivals() {
		return misuse.Errorf("simulate pack: --pods %s lists nodes, not pods (are --nodes and --pods exchanged?)", r.Pods)
	}
	name, err := datasets.ParseRef(r.Pods)
	if err != nil {
		return err
	}
	trace, err := simulation.ReadTrace(ctx, name.Label(), nodes, pods)
	if err != nil {
		return fmt.Errorf("simulate pack: %w", err)
	}
	if len(trace.LeftOut) > 0 {
		fmt.Fprintf(stdio.Err, "no node of %s lists %v, which pods ask for: left out of the replay\n", r.Nodes, trace.LeftOut)
	}
	if n, first := trace.Misfits(); n > 0 {
		fmt.Fprintf(stdio.Err, "%d of %d pods of %s fit on no node of %s, however empty, and fail under every policy: %s is the first (are the units the same?)\n",
			n, len(trace.Pods), r.Pods, r.Nodes, first)
	}
	bar := progress.New(stdio.Err, "replay", "runs", int64(len(r.Seeds)*len(r.Policies)))
	r.OnProgress = func(done, total int) { bar.Share(int64(done), int64(done), int64(total)) }
	summaries, err := simulation.Compare(ctx, trace, r.Options)
	if err != nil {
		return fmt.Errorf("simulate pack: %w", err)
	}
	bar.Done(int64(len(r.Seeds) * len(r.Policies)))
	if r.Plot != "" {
		if err := plotPacking(stdio, r.Plot, summaries); err != nil {
			return err
		}
	}
	return output.Write(stdio.Out, format, summaries, packingTable(summaries))
}

func openFleet(flag, trace string) (*datasets.Fleet, error) {
	ref, err := datasets.ParseRef(trace)
	if err != nil {
		return nil, misuse.Errorf("simulate pack: %s: %v", flag, err)
	}
	f, err := datasets.OpenFleet(ref, datasets.Options{})
	if err != nil {
		return nil, fmt.Errorf("simulate pack: %s: %w", flag, err)
	}
	return f, nil
}

// packingTable shows summaries to people.
func packingTable(summaries []simulation.Summary) *output.Grid {
	grid := &output.Grid{Header: []string{"trace", "policy", "seeds", "arrived", "gpu allocated", "sd", "gpu fragmented", "cpu", "memory", "placed", "failed", "decisions/s"}}
	for _, s := range summaries {
		grid.Add(s.Trace, s.Policy, s.Seeds, percent(s.Arrived), percent(s.GPU.Mean), percent(s.GPU.SD), percent(s.Fragmented),
			percent(s.CPU), percent(s.Memory), s.Placed, s.Failed, fmt.Sprintf("%.0f", s.DecisionsPerSecond))
	}
	return grid
}

// plotPacking draws summaries into a folder that is there.
func plotPacking(stdio output.IO, dir string, summaries []simulation.Summary) error {
	files, err := plot.Write(dir, summaries)
	if err != nil {
		return fmt.Errorf("simulate pack: %w", err)
	}
	fmt.Fprintf(stdio.Err, "%d plots written to %s\n", len(files), dir)
	return nil
}
