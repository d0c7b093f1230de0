package registry

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
)

func open(t *testing.T) *Registry {
	t.Helper()
	r, err := Open(filepath.Join(t.TempDir(), "models"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func saveMargins(t *testing.T, r *Registry, q float32) Meta {
	t.Helper()
	files, err := models.EncodeMargins(models.NodeMargins{Bands: []models.SumBand{
		{Band: forecast.Band{Resource: resource.CPU, MaxMembers: 12, Points: []forecast.Point{{Risk: .01, Q: q}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Save(Meta{Kind: Margins, Rows: 7, Metrics: map[string]float64{"loss": .5}}, files)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSaveAndLoad(t *testing.T) {
	r := open(t)
	saved := saveMargins(t, r, .2)
	loaded, files, err := r.Load(saved.ID)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Rows != 7 || loaded.Metrics["loss"] != .5 || !loaded.Created.Equal(saved.Created) || len(files) != 1 {
		t.Errorf("loaded %+v with %d files, saved %+v", loaded, len(files), saved)
	}
	again, err := Open(r.Dir()) // as another process would
	if err != nil {
		t.Fatal(err)
	}
	if list, err := again.List(); err != nil || len(list) != 1 || list[0].Meta.ID != saved.ID || list[0].Err != nil {
		t.Errorf("listed %+v, %v", list, err)
	}
}

func TestDamageIsRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(dir string) error
		want   error
		says   string
	}{
		{"a flipped bit", func(dir string) error { return flip(filepath.Join(dir, "margins.json")) }, ErrCorrupt, "does not match its checksum"},
		{"a torn file", func(dir string) error { return os.Truncate(filepath.Join(dir, "margins.json"), 10) }, ErrCorrupt, "has 10 bytes"},
		{"a missing file", func(dir string) error { return os.Remove(filepath.Join(dir, "margins.json")) }, ErrCorrupt, "no margins.json"},
		{"no meta", func(dir string) error { return os.Remove(filepath.Join(dir, metaFile)) }, ErrCorrupt, "no meta.json"},
		{"an empty meta", func(dir string) error { return os.Truncate(filepath.Join(dir, metaFile), 0) }, ErrCorrupt, "meta.json"},
		{"a later version", func(dir string) error { return edit(dir, "version", 2) }, ErrVersion, "version 2, this program knows 1"},
		{"an unknown field", func(dir string) error { return edit(dir, "secret", 2) }, ErrCorrupt, "unknown field"},
		{"a path in a file name", func(dir string) error {
			return edit(dir, "files", []File{{Name: "../../etc/passwd"}})
		}, ErrCorrupt, "file name"},
		{"gone", os.RemoveAll, ErrNotFound, "no such artefact"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := open(t)
			good, bad := saveMargins(t, r, .1), saveMargins(t, r, .3)
			for _, m := range []Meta{good, bad} {
				if err := r.Promote(MarginsRole, m.ID, "test"); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.damage(filepath.Join(r.Dir(), bad.ID)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := r.Load(bad.ID); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("loading says %v, want %v with %q", err, c.want, c.says)
			}
			if err := r.Promote(MarginsRole, bad.ID, "test"); err == nil {
				t.Error("it can be promoted")
			}
			set, refused := r.Set(forecast.DefaultGrid())
			if len(refused) != 1 || !errors.Is(refused[0], c.want) || set.Margins.Bands != nil {
				t.Errorf("the set has margins %+v and refused %v", set.Margins, refused)
			}
			if _, err := r.Rollback(MarginsRole, "it is damaged"); err != nil {
				t.Fatal(err)
			}
			if set, refused := r.Set(forecast.DefaultGrid()); len(refused) != 0 || set.MarginsID != good.ID {
				t.Errorf("after the rollback %s serves, refused %v", set.MarginsID, refused)
			}
		})
	}
}

func flip(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return os.WriteFile(path, data, 0o644)
}

func edit(dir, field string, value any) error {
	path := filepath.Join(dir, metaFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	m[field] = value
	if data, err = json.Marshal(m); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

func TestPromoteAndRollback(t *testing.T) {
	r := open(t)
	a, b := saveMargins(t, r, .1), saveMargins(t, r, .2)
	if _, err := r.Rollback(MarginsRole, "too early"); err == nil {
		t.Error("rolled back to nothing")
	}
	for _, step := range []struct{ id, why string }{{a.ID, "first"}, {b.ID, "better"}, {"", "drifted"}} {
		if err := r.Promote(MarginsRole, step.id, step.why); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{b.ID, a.ID} {
		if back, err := r.Rollback(MarginsRole, "undo"); err != nil || back[0].Term.ID != want {
			t.Fatalf("rolled back to %v, %v; want %q", back, err, want)
		}
	}
	c, err := r.Champions()
	if err != nil {
		t.Fatal(err)
	}
	if s := c[MarginsRole]; s.ID != a.ID || s.Why != "undo" || len(s.Past) != 0 {
		t.Errorf("in service: %+v", s)
	}
	if err := r.Remove(a.ID); err == nil {
		t.Error("a champion was removed")
	}
	if err := r.Remove(b.ID); err != nil {
		t.Error(err)
	}
	if _, err := r.Meta(b.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("after it was removed: %v", err)
	}
}

func TestPromoteRefuses(t *testing.T) {
	r := open(t)
	m := saveMargins(t, r, .1)
	for _, c := range []struct {
		role Role
		id   string
	}{
		{PriorRole, m.ID}, {LearnedRole(models.Target{Class: "service", Resource: "cpu"}), m.ID},
		{"king", m.ID}, {"learned/cpu", ""}, {"learned//cpu", ""}, {MarginsRole, "../" + m.ID}, {MarginsRole, "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
	} {
		if err := r.Promote(c.role, c.id, "test"); err == nil {
			t.Errorf("%s was promoted to %s", c.id, c.role)
		}
	}
}

func TestRolesNameTheirTarget(t *testing.T) {
	for _, want := range []models.Target{{Class: "service", Resource: "cpu"}, {Class: models.AnyClass, Resource: "vendor/npu"}, {Class: "a/b%2F%", Resource: "cpu"}} {
		if got, ok := LearnedRole(want).target(); !ok || got != want {
			t.Errorf("%s is about %+v, want %+v", LearnedRole(want), got, want)
		}
	}
	if _, ok := MarginsRole.target(); ok {
		t.Error("margins have no target")
	}
}

func TestPromotionsTakeTurns(t *testing.T) {
	r := open(t)
	other, err := Open(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	const each = 10
	for _, r := range []*Registry{r, other} {
		var ids []string
		for range each {
			ids = append(ids, saveMargins(t, r, .1).ID)
		}
		wg.Go(func() {
			for _, id := range ids {
				if err := r.Promote(MarginsRole, id, "again"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	c, err := r.Champions()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(c[MarginsRole].Past); n != 2*each-1 {
		t.Errorf("%d former terms, want %d", n, 2*each-1)
	}
}

func TestCrashedSavesAreSweptUp(t *testing.T) {
	r := open(t)
	old := filepath.Join(r.Dir(), stagingPrefix+"01ARZ3NDEKTSV4RRFFQ69G5FAV")
	recent := filepath.Join(r.Dir(), stagingPrefix+"01ARZ3NDEKTSV4RRFFQ69G5FAW")
	for _, dir := range []string{old, recent} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	saveMargins(t, r, .1)
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Error("what a crash left is still there")
	}
	if _, err := os.Stat(recent); err != nil {
		t.Error("what another process is writing was removed")
	}
	if list, err := r.List(); err != nil || len(list) != 1 {
		t.Errorf("listed %v, %v", list, err)
	}
}

func FuzzDecodeMeta(f *testing.F) {
	f.Add([]byte(`{"version":1,"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","kind":"prior","created":"2026-01-05T00:00:00Z","from":"2026-01-05T00:00:00Z","to":"2026-01-05T00:00:00Z","rows":1,"files":[{"name":"prior.json","bytes":1,"sha256":"00"}]}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`{"version":1,"files":[{"name":"../x"}]}`))
	f.Add([]byte(`{"version":1}{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeMeta(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
				t.Fatalf("an error of neither kind: %v", err)
			}
			return
		}
		again, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeMeta(again); err != nil {
			t.Fatalf("what was accepted is refused once encoded: %v", err)
		}
		for _, file := range m.Files {
			if strings.ContainsAny(file.Name, "/") || file.Name == ".." {
				t.Fatalf("file name %q", file.Name)
			}
		}
	})
}

func FuzzDecodeChampions(f *testing.F) {
	f.Add([]byte(`{"version":1,"roles":{"margins":{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","since":"2026-01-05T00:00:00Z","why":"x","past":[]}}}`))
	f.Add([]byte(`{"version":1,"roles":{"learned/service/cpu":{"id":"","since":"2026-01-05T00:00:00Z","why":""}}}`))
	f.Add([]byte(`{"version":9}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeChampions(data)
		if (c == nil) != (err != nil) {
			t.Fatalf("champions %v with error %v", c, err)
		}
	})
}
