package registry

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/auspex-project/auspex/models"
)

// age makes an artefact look older than the grace.
func age(t *testing.T, r *Registry, id string) {
	t.Helper()
	past := time.Now().Add(-2 * pruneGrace)
	if err := os.Chtimes(filepath.Join(r.Dir(), id), past, past); err != nil {
		t.Fatal(err)
	}
}

func TestPrune(t *testing.T) {
	r := open(t)
	cpu := LearnedRole(models.Target{Class: "service", Resource: "cpu"})
	learned := func() string { return saveLearned(t, r) }
	steps := func(errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	oldest, older, old, champion, dismissed, shadow := learned(), learned(), learned(), learned(), learned(), learned()
	orphan, spared, fresh := learned(), learned(), learned()
	steps(r.Promote(cpu, oldest, ""), r.Promote(cpu, older, ""), r.Promote(cpu, old, ""), r.Promote(cpu, champion, ""),
		r.Apply(Change{Role: cpu, ID: dismissed, Shadow: true, Why: ""}), r.Conclude(cpu, dismissed, false, ""), r.Apply(Change{Role: cpu, ID: shadow, Shadow: true, Why: ""}))
	for _, id := range []string{oldest, older, old, champion, dismissed, shadow, orphan, spared} {
		age(t, r, id)
	}
	removed, err := r.Prune(2, spared)
	if want := []string{oldest, orphan}; err != nil || !slices.Equal(removed, want) {
		t.Fatalf("removed %v, %v; want %v", removed, err, want)
	}
	for _, want := range []string{old, older} {
		if back, err := r.Rollback(cpu, "undo"); err != nil || back[0].Term.ID != want {
			t.Errorf("rolled back to %+v, %v; want %s", back, err, want)
		}
	}
	if _, err := r.Rollback(cpu, "undo"); err == nil {
		t.Error("rolled back to what was removed")
	}
	if _, _, err := r.Load(fresh); err != nil {
		t.Errorf("what has just come: %v", err)
	}
	// Something that cannot be read and nothing refers to goes too.
	broken := saveMargins(t, r, .1).ID
	steps(os.Remove(filepath.Join(r.Dir(), broken, metaFile)))
	age(t, r, broken)
	if removed, err := r.Prune(2); err != nil || !slices.Contains(removed, broken) {
		t.Errorf("removed %v, %v", removed, err)
	}
}

// Whatever was promoted, challenged, concluded, rolled back and removed, pruning
// never takes away what a reader or an operator may ask for next.
func TestPruneSparesWhatIsReferredTo(t *testing.T) {
	r, rng := open(t), rand.New(rand.NewPCG(1, 2))
	roles := []Role{LearnedRole(models.Target{Class: "service", Resource: "cpu"}), LearnedRole(models.Target{Class: models.AnyClass, Resource: "cpu"})}
	ids := []string{saveLearned(t, r)}
	pruned := 0
	for range 120 {
		role, id := roles[rng.IntN(len(roles))], ids[rng.IntN(len(ids))]
		// Refusals are no matter here: only what is referred to in the end is.
		switch rng.IntN(6) {
		case 0:
			ids = append(ids, saveLearned(t, r))
			age(t, r, ids[len(ids)-1])
		case 1:
			_ = r.Promote(role, id, "")
		case 2:
			_ = r.Apply(Change{Role: role, ID: id, Shadow: true, Why: ""})
		case 3:
			_ = r.Conclude(role, id, rng.IntN(2) == 0, "")
		case 4:
			_, _ = r.Rollback(role, "")
		case 5:
			removed, err := r.Prune(rng.IntN(4))
			if err != nil {
				t.Fatal(err)
			}
			pruned += len(removed)
		}
		champions, err := r.Champions()
		if err != nil {
			t.Fatal(err)
		}
		for id := range champions.references() {
			if _, _, err := r.Load(id); id != "" && err != nil {
				t.Fatalf("%s is referred to: %v", id, err)
			}
		}
	}
	if pruned == 0 {
		t.Error("nothing was pruned")
	}
}

// dirToPrune is set in the process that TestAKilledPrune kills.
const dirToPrune = "AUSPEX_TEST_PRUNE"

// Wherever pruning is killed, what is referred to is whole, and the next time
// removes the rest.
func TestAKilledPrune(t *testing.T) {
	role := LearnedRole(models.Target{Class: "service", Resource: "cpu"})
	if dir := os.Getenv(dirToPrune); dir != "" {
		r, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		for {
			id := saveLearned(t, r)
			if err := r.Promote(role, id, ""); err != nil {
				t.Fatal(err)
			}
			age(t, r, id)
			if _, err := r.Prune(1); err != nil {
				t.Fatal(err)
			}
			fmt.Println("pruned")
		}
	}
	r := open(t)
	for kills := 1; kills <= 5; kills++ {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAKilledPrune$")
		cmd.Env = append(os.Environ(), dirToPrune+"="+r.Dir())
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n <= kills && lines.Scan(); n++ {
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed

		champions, err := r.Champions()
		if err != nil {
			t.Fatal(err)
		}
		s := champions[role]
		if s.ID == "" || len(s.Past) == 0 {
			t.Fatalf("after kill %d: %+v", kills, s)
		}
		for _, id := range s.references() {
			if _, _, err := r.Load(id); err != nil {
				t.Errorf("after kill %d: %v", kills, err)
			}
		}
	}
	entries, err := r.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		age(t, r, e.Meta.ID)
	}
	if _, err := r.Prune(1); err != nil {
		t.Fatal(err)
	}
	if entries, err := r.List(); err != nil || len(entries) != 2 {
		t.Errorf("%d artefacts are left, %v; want the champion and the one before", len(entries), err)
	}
}
