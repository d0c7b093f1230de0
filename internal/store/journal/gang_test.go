package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Whatever number of bytes a crash leaves of a log, a gang in it is there with
// all of its members or with none.
func TestTornGang(t *testing.T) {
	dir := t.TempDir()
	s, j, err := openService(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if err := s.RegisterNode(t.Context(), fleet.Node{Name: fmt.Sprintf("n%d", i), Capacity: resource.Of(8, 64*gib)}); err != nil {
			t.Fatal(err)
		}
	}
	const gangs, size = 3, 5
	for g := range gangs {
		r := ledger.GangRequest{ID: fmt.Sprintf("gang-%d", g), ReserveFor: time.Hour}
		for k := range size {
			r.Members = append(r.Members, &workload.Workload{ID: fmt.Sprintf("%s-%d", r.ID, k), Class: workload.Service, Requests: resource.Of(1, gib)})
		}
		if d, err := s.PlaceGang(t.Context(), r); err != nil || d.Phase != ledger.Reserved {
			t.Fatal(d.Reason, err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	segment := filepath.Join("log", "00000000000000000001.wal")
	whole, err := os.ReadFile(filepath.Join(dir, segment))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for cut := len(whole); cut > bytes.Index(whole, []byte("gang-0")); cut -= 7 {
		torn := t.TempDir()
		if err := os.Mkdir(filepath.Join(torn, "log"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(torn, segment), whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		s, j, err := openService(torn)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		members := map[string]int{}
		for _, n := range s.Nodes("", 0) {
			for _, w := range n.Workloads {
				members[w[:strings.LastIndex(w, "-")]]++
			}
		}
		for gang, n := range members {
			if n != size {
				t.Errorf("cut at %d: %s has %d of %d members", cut, gang, n, size)
			}
		}
		seen[len(members)] = true
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !seen[gangs] || !seen[1] || len(seen) < gangs {
		t.Errorf("cuts left %v gangs: the test cut nowhere of interest", seen)
	}
}
