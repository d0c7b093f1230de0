package collector

import (
	"context"

	"github.com/auspex-project/auspex/timeseries"
)

// Source measures usage, or reads it from somewhere.
type Source interface {
	// Run hands samples to emit until there are no more, and then returns nil, or
	// until ctx ends or emit fails, and then returns that error.
	Run(ctx context.Context, emit Emit) error
}

// Emit takes samples from a source. When it returns nil the good ones are
// durable and the bad ones have been counted and logged. It keeps nothing of the
// slice. The error is that of ctx, or ErrClosed.
type Emit func(ctx context.Context, samples []timeseries.Sample) error
