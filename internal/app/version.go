package app

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/auspex-project/auspex/internal/app/output"
)

// build is what the binary knows about itself.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Version prints what this binary was built from.
func Version(stdio IO, format output.Format) error {
	b := build{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.Version = info.Main.Version
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Revision = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	text := fmt.Sprintf("auspex %s", b.Version)
	if b.Revision != "" {
		text += " " + b.Revision
	}
	return output.Write(stdio.Out, format, b, output.Text(fmt.Sprintf("%s, %s, %s\n", text, b.Go, b.Platform)))
}
