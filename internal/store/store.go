// Package store is the contract of the usage history: what was measured, by
// workload and time, kept for training, for forecasts and for people.
//
// Its implementations are sqlite (one local file, the default) and influx (a
// server); package storetest holds the conformance suite both must pass.
package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// An error of a History wraps one of these, or the context's error.
var (
	// ErrUnavailable: the store cannot answer now, or not until an operator acts;
	// what was to be written must be kept and tried again.
	ErrUnavailable = errors.New("history store unavailable")

	// ErrRefused: the samples or the query break a rule; trying again cannot help.
	ErrRefused = errors.New("refused by the history store")
)

// History holds samples. All methods are safe for concurrent use.
type History interface {
	// Write stores samples durably: once it returns nil they survive a crash and
	// a loss of power. It keeps nothing of the slice. Writing a sample again is
	// harmless; where its values differ the later ones win, resource by resource,
	// and resources only the earlier one held stay. Times are cut to milliseconds.
	//
	// On error any part of the batch may have been stored: retry the whole batch
	// after ErrUnavailable, drop the sample named in the error after ErrRefused.
	Write(ctx context.Context, samples []timeseries.Sample) error

	// Series lists the series with samples in the query, sorted by key.
	Series(ctx context.Context, q Query) ([]SeriesStat, error)

	// Scan streams samples in the order of their key, then time. Memory grows with
	// the number of series, not of samples. A sample written or deleted meanwhile
	// is seen whole or not at all. The first error ends the stream.
	Scan(ctx context.Context, q Query) iter.Seq2[timeseries.Sample, error]

	// Downsample streams one bucket per series and window of d.Every that holds
	// a value, in the order of key, then time. A window without one is a gap and
	// yields nothing.
	Downsample(ctx context.Context, q Query, d Downsampling) iter.Seq2[Bucket, error]

	// Count returns the number of samples in the query.
	Count(ctx context.Context, q Query) (int64, error)

	// DeleteBefore removes the samples older than t and returns how many; on error,
	// how many are surely gone. It never holds up writers for long.
	DeleteBefore(ctx context.Context, t time.Time) (deleted int64, err error)

	// Close waits for running writes and releases what the store holds.
	Close() error
}

// Query selects samples. An empty list matches everything, lists and window
// are joined by "and", and the zero Query is the whole history. An entry ""
// matches samples whose field is unknown.
type Query struct {
	Workloads []string
	Classes   []workload.Class
	Nodes     []string
	Sources   []string
	Window    timeseries.Window // of Sample.Time; half-open
}

// Validate reports why q cannot be answered, as ErrRefused.
func (q Query) Validate() error {
	if err := q.Window.Validate(); err != nil {
		return fmt.Errorf("%w: query: %w", ErrRefused, err)
	}
	return nil
}

// SeriesStat describes the samples of one series that lie in a query.
type SeriesStat struct {
	Key         timeseries.Key
	First, Last time.Time // of the first and last sample, both inclusive
	Samples     int64
}

// Aggregate says how the samples of one window become one value.
type Aggregate string

const (
	Max      Aggregate = "max"
	Mean     Aggregate = "mean"
	Quantile Aggregate = "quantile" // linear between closest ranks (Hyndman and Fan 1996, type 7)
)

// Downsampling says what Downsample makes of the samples of each window.
type Downsampling struct {
	Resource  resource.Name // of Sample.Usage; samples without it are left out
	Every     time.Duration // whole milliseconds; windows start at multiples of it since 1970 UTC
	Aggregate Aggregate
	P         float64 // of Quantile, in [0, 1]
}

// Validate reports the first rule d breaks, as ErrRefused.
func (d Downsampling) Validate() error {
	switch {
	case d.Resource.Validate() != nil:
		return fmt.Errorf("%w: downsample: %w", ErrRefused, d.Resource.Validate())
	case d.Every <= 0 || d.Every%time.Millisecond != 0:
		return fmt.Errorf("%w: downsample: every %v is not a positive number of whole milliseconds", ErrRefused, d.Every)
	case d.Aggregate != Max && d.Aggregate != Mean && d.Aggregate != Quantile:
		return fmt.Errorf("%w: downsample: unknown aggregate %q (want max, mean or quantile)", ErrRefused, d.Aggregate)
	case d.Aggregate == Quantile && !(d.P >= 0 && d.P <= 1):
		return fmt.Errorf("%w: downsample: quantile %g is not between 0 and 1", ErrRefused, d.P)
	}
	return nil
}

// Bucket is the value of one window of one series.
type Bucket struct {
	Key   timeseries.Key
	Start time.Time // the window is [Start, Start + Every)
	Value float64   // in the base unit of the resource
}
