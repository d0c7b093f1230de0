package app

import "github.com/auspex-project/auspex/internal/app/output"

// IO is where a command reads, prints its result, and tells of its progress.
type IO = output.IO
