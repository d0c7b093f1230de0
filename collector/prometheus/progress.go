package prometheus

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

const progressVersion = 1

// progress is how far a server's samples have been emitted, kept in a file.
type progress struct {
	Version int       `json:"version"`
	Server  string    `json:"server"`
	Through time.Time `json:"through"` // the last time emitted; zero is none

	path   string
	logger *slog.Logger
}

// loadProgress reads what an earlier run has noted. A file that cannot be used
// is logged and counts as none: then samples are emitted once more, which does no
// harm.
func loadProgress(path, server string, logger *slog.Logger) progress {
	none := progress{Version: progressVersion, Server: server, path: path, logger: logger}
	if path == "" {
		return none
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return none
	}
	p := none
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	switch {
	case err != nil:
	case p.Version != progressVersion:
		err = fmt.Errorf("version %d is unknown (want %d)", p.Version, progressVersion)
	case p.Server != server:
		err = fmt.Errorf("it is about %s", p.Server)
	default:
		return p
	}
	logger.Warn("prometheus source starts anew: how far it had come cannot be used", "file", path, "error", err)
	return none
}

// next returns the first time not yet emitted.
func (p *progress) next(step time.Duration) time.Time {
	return p.Through.Truncate(step).Add(step)
}

// save notes progress. A failure is logged and costs a repetition after a restart.
func (p *progress) save() {
	if p.path == "" {
		return
	}
	if err := p.write(); err != nil {
		p.logger.Warn("prometheus source cannot note how far it has come", "error", err)
	}
}

func (p *progress) write() error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p.path), 0o700); err != nil {
		return err
	}
	f, err := os.Create(p.path + ".tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(p.path+".tmp", p.path)
}
