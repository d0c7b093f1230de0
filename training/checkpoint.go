package training

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/workload"
)

// checkpoint is how far a night has come, kept as a note of the registry until it
// ends. A night that was killed goes on from there: it reads the history again, up
// to the same end, and repeats nothing that is in the checkpoint.
type checkpoint struct {
	Version int       `json:"version"`
	Plan    string    `json:"plan"`  // what is asked of the night, hashed
	Until   time.Time `json:"until"` // end of the history it looks at

	Fitted         map[string]fitted     `json:"fitted"` // by resource and class, and for slots
	Targets        []TargetReport        `json:"targets"`
	Prior          *Shared               `json:"prior,omitempty"`
	Classification *ClassificationReport `json:"classification,omitempty"`
	Profiles       []ProfileReport       `json:"profiles"`
	Machines       []composition         `json:"machines"`

	registry *registry.Registry
}

// fitted is an artefact that is not in service yet.
type fitted struct {
	ID    string         `json:"id"`
	Class workload.Class `json:"class"`
	Rows  int            `json:"rows"`
	Took  time.Duration  `json:"took"`
}

// composition is what became of one resource of machines.
type composition struct {
	Report MachineReport      `json:"report"`
	Worst  []backtest.Band    `json:"worst"`
	Bands  models.NodeMargins `json:"bands"`
}

const (
	checkpointVersion = 2 // 1 put in service as it went

	// resumable is how much newer than its end the history may have grown for a
	// night to be worth going on with.
	resumable = dayLength
)

// openCheckpoint returns where a night of these options was left, or a new
// beginning. What is there and cannot be used is begun anew; err says why.
func openCheckpoint(r *registry.Registry, o Options) (c *checkpoint, err error) {
	fresh := &checkpoint{Version: checkpointVersion, Plan: o.hash(), Fitted: map[string]fitted{}, registry: r}
	data, err := r.ReadNote(registry.NightNote)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fresh, nil
	case err != nil:
		return fresh, err
	}
	c = &checkpoint{registry: r}
	if err := json.Unmarshal(data, c); err != nil {
		return fresh, fmt.Errorf("an interrupted night is begun anew: %w", err)
	}
	if c.Version != fresh.Version || c.Plan != fresh.Plan || c.Fitted == nil {
		return fresh, fmt.Errorf("an interrupted night is begun anew: it was asked for something else")
	}
	for _, change := range c.decided().changes() {
		if change.ID == "" {
			continue
		}
		if _, _, err := r.Load(change.ID); err != nil {
			return fresh, fmt.Errorf("an interrupted night is begun anew: of what it decided, %w", err)
		}
	}
	return c, nil
}

// decided is the report of what c is in.
func (c *checkpoint) decided() *Report {
	r := &Report{Targets: c.Targets, Profiles: c.Profiles}
	if c.Prior != nil {
		r.Prior = *c.Prior
	}
	if c.Classification != nil {
		r.Classification = *c.Classification
	}
	return r
}

// hash names what o asks of a night; how many work on it, and what it leaves behind, is
// no part of that.
func (o Options) hash() string {
	o.Workers, o.Keep, o.OnProgress = 0, 0, nil
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v %v", o, [][]string{models.Features(), models.SlotFeatures()}))
	return hex.EncodeToString(sum[:])
}

// until returns the end of the history a resumed night looks at: where it was, if
// that is still there and not too much has come since.
func (c *checkpoint) until(newest time.Time, slot time.Duration) time.Time {
	end := c.Until.Add(-time.Nanosecond)
	if since := newest.Sub(end); !c.Until.IsZero() && since < resumable && since > -slot {
		return end
	}
	*c = checkpoint{Version: c.Version, Plan: c.Plan, Fitted: map[string]fitted{}, registry: c.registry}
	return newest
}

// keep writes c down.
func (c *checkpoint) keep() error {
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := c.registry.WriteNote(registry.NightNote, data); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// end forgets the checkpoint, and removes what was fitted and serves nothing.
func (c *checkpoint) end() error {
	for _, id := range c.artefacts() {
		if err := c.registry.Remove(id); err != nil && !errors.Is(err, registry.ErrNotFound) && !errors.Is(err, registry.ErrInUse) {
			return err
		}
	}
	return c.registry.RemoveNote(registry.NightNote)
}

// artefacts returns what was fitted so far.
func (c *checkpoint) artefacts() []string {
	var ids []string
	for _, key := range slices.Sorted(maps.Keys(c.Fitted)) {
		ids = append(ids, c.Fitted[key].ID)
	}
	if c.Prior != nil {
		ids = append(ids, c.Prior.ID)
	}
	if c.Classification != nil && c.Classification.Champion != "" {
		ids = append(ids, c.Classification.Champion)
	}
	return ids
}

func fittedKey(e *evidence, class workload.Class) string {
	return string(e.resource) + " " + string(class)
}

// refit returns what an interrupted night has fitted already.
func (n *night) refit(e *evidence, class workload.Class) (*candidate, bool) {
	f, ok := n.checkpoint.Fitted[fittedKey(e, class)]
	if !ok {
		return nil, false
	}
	_, files, err := n.registry.Load(f.ID)
	if err != nil {
		return nil, false
	}
	m, err := models.DecodeLearned(files)
	if err != nil || m.Grid() != n.Grid {
		return nil, false
	}
	return &candidate{class: f.Class, model: m, rows: f.Rows, took: f.Took, id: f.ID}, true
}

// decided returns what an interrupted night has decided about a target already.
func (n *night) decided(e *evidence, class workload.Class) (TargetReport, bool) {
	i := slices.IndexFunc(n.checkpoint.Targets, func(t TargetReport) bool {
		return t.Resource == string(e.resource) && t.Class == string(class)
	})
	if i < 0 {
		return TargetReport{}, false
	}
	return n.checkpoint.Targets[i], true
}

// composedBefore returns what an interrupted night has found of machines already.
func (n *night) composedBefore(e *evidence) (composition, bool) {
	i := slices.IndexFunc(n.checkpoint.Machines, func(m composition) bool { return m.Report.Resource == string(e.resource) })
	if i < 0 {
		return composition{}, false
	}
	return n.checkpoint.Machines[i], true
}
