package training

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/models/registry"
)

// outcomeOf is a report without what two equal nights differ in.
func outcomeOf(t *testing.T, report Report) string {
	t.Helper()
	report.Started, report.Seconds, report.ReadSeconds, report.Resumed = time.Time{}, 0, 0, false
	report.Prior.ID, report.Margins.ID, report.Samples = "", "", 0
	report.Classification.Seconds, report.Classification.Champion = 0, ""
	for i := range report.Targets {
		x := &report.Targets[i]
		x.Seconds, x.Micros, x.Champion, x.Challenger = 0, 0, "", ""
	}
	for i := range report.Profiles {
		report.Profiles[i].Seconds, report.Profiles[i].Champion = 0, ""
	}
	data, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Wherever a night ends, the next goes on: what was fitted is not fitted again,
// and all comes out as if nothing had happened.
func TestAnInterruptedNightGoesOn(t *testing.T) {
	h := alternators(12, 14)
	whole := outcomeOf(t, train(t, h, openRegistry(t), Options{}))

	r := openRegistry(t)
	fits := map[string]int{} // by phase, in how many runs
	interruptions := 0
	for _, end := range []string{"read", "fit memory of *", "judge memory", "fit classifier", "judge machines"} {
		ctx, cancel := context.WithCancel(t.Context())
		seen := map[string]bool{}
		o := quick(Options{OnProgress: func(p Progress) {
			if strings.HasPrefix(p.Phase, "fit ") && !seen[p.Phase] {
				seen[p.Phase] = true
				fits[p.Phase]++
			}
			if p.Phase == end && (p.Done > 0 || p.Total == 2) {
				cancel()
			}
		}})
		_, err := Run(ctx, h, r, o)
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted in %s: %v", end, err)
		}
		interruptions++
	}
	// More samples have come meanwhile; the night still looks at what it began with.
	last := h[len(h)-1]
	last.Time = last.Time.Add(3 * time.Hour)
	report := train(t, append(h[:len(h):len(h)], last), r, Options{OnProgress: func(p Progress) {
		if strings.HasPrefix(p.Phase, "fit c") && p.Phase != "fit classifier" {
			t.Errorf("%s again", p.Phase)
		}
	}})
	if !report.Resumed || interruptions != 5 {
		t.Errorf("resumed %v after %d interruptions", report.Resumed, interruptions)
	}
	if got := outcomeOf(t, report); got != whole {
		t.Errorf("resumed:\n%s\nat once:\n%s", got, whole)
	}
	for _, phase := range []string{"fit cpu of *", "fit cpu of service"} {
		if fits[phase] != 1 {
			t.Errorf("%s in %d runs", phase, fits[phase])
		}
	}
	if _, err := r.ReadNote(registry.NightNote); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the checkpoint is left: %v", err)
	}
	entries, err := r.List()
	if err != nil {
		t.Fatal(err)
	}
	champions, err := r.Champions()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, s := range champions {
		used[s.ID] = true
	}
	for _, e := range entries {
		if !used[e.Meta.ID] {
			t.Errorf("%s artefact %s is left and serves nothing", e.Meta.Kind, e.Meta.ID)
		}
	}
}

// dirOfNight is set in the process that TestAKilledNightGoesOn kills.
const dirOfNight = "AUSPEX_TEST_NIGHT"

func TestAKilledNightGoesOn(t *testing.T) {
	h := alternators(12, 14)
	if dir := os.Getenv(dirOfNight); dir != "" {
		r, err := registry.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		train(t, h, r, Options{OnProgress: func(p Progress) {
			if p.Phase == "judge cpu" && p.Done == 1 {
				p, err := os.FindProcess(os.Getpid())
				if err != nil {
					t.Fatal(err)
				}
				p.Kill()
				select {} // until the signal is here
			}
		}})
		t.Fatal("survived")
	}
	r := openRegistry(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAKilledNightGoesOn$")
	cmd.Env = append(os.Environ(), dirOfNight+"="+r.Dir())
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the night that should have been killed: %v\n%s", err, out)
	}
	if c, err := r.Champions(); err != nil || len(c) != 0 {
		t.Errorf("half a night serves: %v, %v", c, err)
	}
	report := train(t, h, r, Options{OnProgress: func(p Progress) {
		if strings.HasPrefix(p.Phase, "fit cpu") {
			t.Errorf("%s again", p.Phase)
		}
	}})
	if want := outcomeOf(t, train(t, h, openRegistry(t), Options{})); outcomeOf(t, report) != want || !report.Resumed {
		t.Errorf("resumed %v:\n%s\nat once:\n%s", report.Resumed, outcomeOf(t, report), want)
	}
}

// A night cannot put in service what is there no longer, however often it is tried.
func TestANightWhoseWorkIsGoneBeginsAnew(t *testing.T) {
	h, r := alternators(12, 14), openRegistry(t)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Run(ctx, h, r, quick(Options{OnProgress: func(p Progress) {
		if p.Phase == "judge machines" {
			cancel()
		}
	}})); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	entries, err := r.List()
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d artefacts, %v", len(entries), err)
	}
	for _, e := range entries {
		if err := r.Remove(e.Meta.ID); err != nil {
			t.Fatal(err)
		}
	}
	report := train(t, h, r, Options{})
	if report.Resumed || len(report.Warnings) != 1 || !strings.Contains(report.Warnings[0], "begun anew") {
		t.Errorf("resumed %v, warned %q", report.Resumed, report.Warnings)
	}
}

func TestACheckpointOfAnotherNightIsLeftAside(t *testing.T) {
	h := fleet(4, 0, 10)
	for name, note := range map[string]string{
		"damaged": `{"version":`, "another version": `{"version":99}`, "asked for something else": `{"version":1,"plan":"x","fitted":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := openRegistry(t)
			if err := r.WriteNote(registry.NightNote, []byte(note)); err != nil {
				t.Fatal(err)
			}
			report := train(t, h, r, Options{})
			if report.Resumed || len(report.Warnings) != 1 || !strings.Contains(report.Warnings[0], "begun anew") {
				t.Errorf("resumed %v, warned %q", report.Resumed, report.Warnings)
			}
		})
	}
	// One of last week is not gone on with.
	r := openRegistry(t)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Run(ctx, h, r, quick(Options{OnProgress: func(Progress) { cancel() }})); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if report := train(t, fleet(4, 0, 17), r, Options{}); report.Resumed || report.To.Sub(start) != 17*24*time.Hour {
		t.Errorf("resumed %v, until %v", report.Resumed, report.To)
	}
	// Nor is one of a history that reached further than this one does.
	ctx, cancel = context.WithCancel(t.Context())
	if _, err := Run(ctx, fleet(4, 0, 17), r, quick(Options{OnProgress: func(Progress) { cancel() }})); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if report := train(t, h, r, Options{}); report.Resumed || report.To.Sub(start) != 10*24*time.Hour {
		t.Errorf("resumed %v, until %v", report.Resumed, report.To)
	}
}

// Nothing is read or fitted for a registry that could not take it.
func TestANightRefusesADamagedRegistryAtOnce(t *testing.T) {
	r := openRegistry(t)
	if err := os.WriteFile(filepath.Join(r.Dir(), "champions.json"), []byte("garbage"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Run(t.Context(), fleet(4, 0, 10), r, quick(Options{OnProgress: func(p Progress) { t.Errorf("%+v", p) }}))
	if !errors.Is(err, registry.ErrCorrupt) {
		t.Errorf("%v", err)
	}
}
