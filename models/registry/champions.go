package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

const (
	championsFile    = "champions.json"
	championsVersion = 2 // 1 knew no challengers

	// maxPast bounds how many former champions of a role are remembered.
	maxPast = 100
)

// Role is something one artefact at a time serves.
type Role string

// The roles that all classes share.
const (
	PriorRole      Role = "prior"
	MarginsRole    Role = "margins"
	ClassifierRole Role = "classifier"
)

const (
	learnedPrefix = "learned/"
	profilePrefix = "profile/"
)

// A class may hold any character; in a role it ends at the first slash.
var (
	escape   = strings.NewReplacer("%", "%25", "/", "%2F")
	unescape = strings.NewReplacer("%2F", "/", "%25", "%")
)

// LearnedRole is that of predicting one resource of one class.
func LearnedRole(t models.Target) Role {
	return Role(learnedPrefix + escape.Replace(string(t.Class)) + "/" + string(t.Resource))
}

// target returns what a LearnedRole is about.
func (r Role) target() (models.Target, bool) {
	rest, ok := strings.CutPrefix(string(r), learnedPrefix)
	if !ok {
		return models.Target{}, false
	}
	class, name, ok := strings.Cut(rest, "/")
	return models.Target{Class: workload.Class(unescape.Replace(class)), Resource: resource.Name(name)}, ok && class != "" && resource.Name(name).Validate() == nil
}

// Target returns what a LearnedRole is about, ok false for other roles.
func (r Role) Target() (class workload.Class, n resource.Name, ok bool) {
	t, ok := r.target()
	return t.Class, t.Resource, ok
}

// ProfileRole is that of predicting slots to come of one resource.
func ProfileRole(n resource.Name) Role { return Role(profilePrefix + string(n)) }

// profiled returns the resource a ProfileRole is about.
func (r Role) profiled() (resource.Name, bool) {
	name, ok := strings.CutPrefix(string(r), profilePrefix)
	return resource.Name(name), ok && resource.Name(name).Validate() == nil
}

// Known reports whether there is such a role.
func (r Role) Known() bool {
	_, learned := r.target()
	_, profile := r.profiled()
	return learned || profile || r == PriorRole || r == MarginsRole || r == ClassifierRole
}

// Service is what serves a role, and what did before.
type Service struct {
	Term
	Challenger *Term  `json:"challenger,omitempty"` // in shadow, nil for none
	Dismissed  *Term  `json:"dismissed,omitempty"`  // the newest challenger that was not promoted, when and why
	Past       []Term `json:"past,omitempty"`       // newest first
}

// Term is the time one artefact served. An empty ID says that none did: the
// role fell back.
type Term struct {
	ID    string    `json:"id"`
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

// Fell reports whether nothing serves the role though something did.
func (s *Service) Fell() bool {
	return s.ID == "" && slices.ContainsFunc(s.Past, func(t Term) bool { return t.ID != "" })
}

// Champions are what is in service, by role.
type Champions map[Role]Service

type championsContent struct {
	Version int       `json:"version"`
	Roles   Champions `json:"roles"`
}

// Champions returns what is in service; nothing is in a new registry.
func (r *Registry) Champions() (Champions, error) {
	data, err := os.ReadFile(filepath.Join(r.dir, championsFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Champions{}, nil
	case err != nil:
		return nil, fmt.Errorf("read champions: %w", err)
	}
	c, err := decodeChampions(data)
	switch {
	case errors.Is(err, ErrCorrupt):
		return nil, fmt.Errorf("read champions of %s: %w (restore the file, or remove it: then nothing serves until the next night)", r.dir, err)
	case err != nil:
		return nil, fmt.Errorf("read champions of %s: %w", r.dir, err)
	}
	return c, nil
}

func decodeChampions(data []byte) (Champions, error) {
	if err := checkVersion(data, championsFile, 1, championsVersion); err != nil {
		return nil, err
	}
	var c championsContent
	if err := decodeStrictly(data, &c); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, championsFile, err)
	}
	if c.Roles == nil {
		c.Roles = Champions{}
	}
	return c.Roles, nil
}

func (c Champions) promote(role Role, t Term) {
	s, served := c[role]
	if served {
		s.Past = append([]Term{s.Term}, s.Past...)
		s.Past = s.Past[:min(len(s.Past), maxPast)]
	}
	s.Term, s.Challenger = t, nil
	c[role] = s
}

// fits reports why an artefact cannot serve a role.
func (r *Registry) fits(role Role, id string) error {
	m, _, err := r.Load(id)
	if err != nil {
		return err
	}
	if !m.serves(role) {
		return fmt.Errorf("%s is a %s artefact of %q: it cannot serve %s", id, m.Kind, m.Resource, role)
	}
	return nil
}

func (m Meta) serves(role Role) bool {
	switch role {
	case PriorRole:
		return m.Kind == Prior
	case MarginsRole:
		return m.Kind == Margins
	case ClassifierRole:
		return m.Kind == Classifier
	}
	if n, ok := role.profiled(); ok {
		return m.Kind == Profile && m.Resource == n
	}
	t, ok := role.target()
	return ok && m.Kind == Learned && m.Resource == t.Resource
}

// lock lets one writer at a time in, over all processes. An artefact that was seen
// to be there cannot be removed before what refers to it is written.
func (r *Registry) lock() (unlock func() error, err error) {
	lock, err := os.OpenFile(filepath.Join(r.dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock registry: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock registry: %w", err), lock.Close())
	}
	return lock.Close, nil // closing unlocks
}

// update changes the pointer file.
func (r *Registry) update(change func(Champions) error) error {
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	c, err := r.Champions()
	if err != nil {
		return err
	}
	if err := change(c); err != nil {
		return err
	}
	return r.write(c)
}

// write replaces the pointer file. The caller holds the lock.
func (r *Registry) write(c Champions) error {
	data, err := json.MarshalIndent(championsContent{championsVersion, c}, "", "  ")
	if err != nil {
		return fmt.Errorf("write champions: %w", err)
	}
	if err := replace(filepath.Join(r.dir, championsFile), append(data, '\n')); err != nil {
		return fmt.Errorf("write champions: %w", err)
	}
	return nil
}
