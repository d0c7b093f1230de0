package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

//go:embed peers.py
var peersScript []byte

// contestant is another library, run in a process of its own.
type contestant struct {
	name     string
	quantile bool // it has the loss
	plan     plan
	dir      string // where the rows are
}

func peers(p plan, dir string) []contestant {
	return []contestant{
		{"xgboost", false, p, dir}, // 1.7 has no quantile loss: its time only
		{"scikit-learn", true, p, dir},
	}
}

func (c contestant) run(ctx context.Context, q float64) (result, error) {
	script := filepath.Join(c.dir, "peers.py")
	if err := os.WriteFile(script, peersScript, 0o600); err != nil {
		return result{}, err
	}
	cmd := exec.CommandContext(ctx, c.plan.python, script, c.name, c.dir, strconv.Itoa(c.plan.trees),
		strconv.Itoa(c.plan.depth), strconv.FormatFloat(q, 'g', -1, 64))
	cmd.Env = append(os.Environ(), "OMP_WAIT_POLICY=passive") // else idle threads count as work
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return result{}, fmt.Errorf("%s: %w: %s (it needs python3-xgboost, python3-sklearn and python3-numpy; --alone does without)", c.name, err, bytes.TrimSpace(stderr.Bytes()))
	}
	r := result{}
	if err := json.Unmarshal(out, &r); err != nil {
		return r, fmt.Errorf("%s answered %q: %w", c.name, out, err)
	}
	return r, nil
}
