package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	packNodes = "../../simulation/testdata/nodes.csv"
	packPods  = "../../simulation/testdata/pods.csv"
)

// The names in the JSON of a simulation are a contract.
func TestSimulatePack(t *testing.T) {
	plots := filepath.Join(t.TempDir(), "plots")
	code, stdout, stderr := run(t, t.Context(), "", "simulate", "pack", "--nodes", "openb:"+packNodes, "--pods", "openb:"+packPods,
		"--arrive", "1.3", "--seeds", "2", "--policy", "auspex,fgd,bestfit", "--plot", plots, "-o", "json")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var summaries []map[string]any
	if err := json.Unmarshal([]byte(stdout), &summaries); err != nil {
		t.Fatal(err)
	}
	if len(summaries) != 3 {
		t.Fatalf("%d summaries", len(summaries))
	}
	for i, policy := range []string{"auspex", "fgd", "bestfit"} {
		s := summaries[i]
		want(t, policy, s, "trace", "policy", "seeds", "arrived_ratio", "gpu_allocated_ratio", "gpu_fragmented_ratio", "cpu_allocated_ratio",
			"memory_allocated_ratio", "placed", "failed", "decisions_per_second", "curve")
		want(t, "gpu_allocated_ratio", s["gpu_allocated_ratio"].(map[string]any), "mean", "sd", "per_seed")
		if s["policy"] != policy || s["seeds"] != 2. || s["trace"] != "openb:pods.csv" {
			t.Errorf("policy %v, seeds %v, trace %v", s["policy"], s["seeds"], s["trace"])
		}
	}
	if files, err := filepath.Glob(filepath.Join(plots, "*.png")); err != nil || len(files) != 5 {
		t.Errorf("plots %v, %v", files, err)
	}
	code, stdout, _ = run(t, t.Context(), "", "simulate", "pack", "--nodes", "openb:"+packNodes, "--pods", "openb:"+packPods, "--seeds", "1", "--departures")
	if code != exitDone || !strings.Contains(stdout, "auspex") || !strings.Contains(stdout, "gpu allocated") {
		t.Errorf("exit code %d, table\n%s", code, stdout)
	}
}

func TestSimulatePackRefusesBadInput(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	narrow := write("narrow.csv", "name,cpu_milli,memory_mib\npod-1,1000,1024\n")
	nan := write("nan.csv", "name,cpu_milli,memory_mib,num_gpu,gpu_milli\npod-1,NaN,1024,0,0\n")
	half := write("half.csv", "name,cpu_milli,memory_mib,num_gpu,gpu_milli\npod-1,1000,1024\n")
	none := write("none.csv", "name,cpu_milli,memory_mib,num_gpu,gpu_milli\n")
	empty := write("empty.csv", "")
	nodeless := write("nodeless.csv", "sn,cpu_milli,memory_mib,gpu,model\n")
	endless := write("endless.csv", "sn,cpu_milli,memory_mib,gpu,model\nnode-1,.inf,1024,0,\n")
	many := write("many.csv", "sn,cpu_milli,memory_mib,gpu,model\nnode-1,1000,1024,999999999,T4\n")
	giant := write("giant.csv", "name,cpu_milli,memory_mib,num_gpu,gpu_milli\npod-1,900000000,1024,1,1000\n")
	void := write("void.csv", "sn,cpu_milli,memory_mib,gpu,model\nnode-1,0,0,0,\n")
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no nodes", []string{"--pods", "openb:" + packPods}, exitMisuse, "give --nodes"},
		{"no pods", []string{"--nodes", "openb:" + packNodes}, exitMisuse, "give --pods"},
		{"exchanged", []string{"--nodes", "openb:" + packPods, "--pods", "openb:" + packNodes}, exitMisuse, "are --nodes and --pods exchanged?"},
		{"unknown policy", []string{"--nodes", "openb:" + packNodes, "--pods", "openb:" + packPods, "--policy", "wurstfit"}, exitMisuse, "want some of auspex"},
		{"nothing arrives", []string{"--nodes", "openb:" + packNodes, "--pods", "openb:" + packPods, "--arrive", "0"}, exitMisuse, "want more than 0"},
		{"NaN arrives", []string{"--nodes", "openb:" + packNodes, "--pods", "openb:" + packPods, "--arrive", "NaN"}, exitMisuse, "want more than 0"},
		{"no seeds", []string{"--nodes", "openb:" + packNodes, "--pods", "openb:" + packPods, "--seeds", "0"}, exitMisuse, "--seeds"},
		{"no format", []string{"--nodes", packNodes, "--pods", "openb:" + packPods}, exitMisuse, "want FORMAT:PATH"},
		{"no file", []string{"--nodes", "openb:nowhere.csv", "--pods", "openb:" + packPods}, exitFailed, "nowhere.csv"},
		{"missing columns", []string{"--nodes", "openb:" + packNodes, "--pods", "openb:" + narrow}, exitFailed, "name,cpu_milli,memory_mib,num_gpu,gpu_milli"},
		{"a row too short", []string{"--nodes", "openb:" + packNodes, "--pods", "openb:" + half}, exitFailed, "half.csv:2"},
		{"a number that is none", []string{"--nodes", "openb:" + packNodes, "--pods", "openb:" + nan}, exitFailed, "nan.csv:2"},
		{"a list of nothing", []string{"--nodes", "openb:" + packNodes, "--pods", "openb:" + none}, exitFailed, "none.csv lists no pods"},
		{"a file of nothing", []string{"--nodes", "openb:" + empty, "--pods", "openb:" + packPods}, exitFailed, "empty.csv is empty"},
		{"nodes of nothing", []string{"--nodes", "openb:" + nodeless, "--pods", "openb:" + packPods}, exitFailed, "nodeless.csv lists no nodes"},
		{"no end", []string{"--nodes", "openb:" + endless, "--pods", "openb:" + packPods}, exitFailed, `endless.csv:2: cpu_milli ".inf" is not a number`},
		{"too many", []string{"--nodes", "openb:" + many, "--pods", "openb:" + packPods}, exitFailed, `many.csv:2: "999999999" gpus, want a number from 0 to 64`},
		{"fits nowhere", []string{"--nodes", "openb:" + packNodes, "--pods", "openb:" + giant, "--seeds", "1"}, exitDone, "1 of 1 pods of openb:" + giant + " fit on no node"},
		{"zero capacity", []string{"--nodes", "openb:" + void, "--pods", "openb:" + packPods}, exitFailed, "capacity is empty"},
	} {
		code, _, stderr := run(t, t.Context(), "", append([]string{"simulate", "pack"}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit code %d, want %d; %q, want %q", c.name, code, c.code, stderr, c.want)
		}
	}
}
