package contest

import "time"

// Question is what is asked of many cases.
type Question struct {
	Name    string
	Buckets Buckets // without edges, the classes have no order
	Columns []string
	Cases   []Case // by the time they are asked
	Dropped int    // whose answer the trace does not tell
}

// Case is one workload at one moment.
type Case struct {
	Asked time.Time // when the answer is wanted
	Known time.Time // when the trace gives it, never before Asked

	// Features is what was known when asked, by column; NaN where nothing was.
	Features []float64
	Truth    int // class

	// Value is what Truth is the bucket of, 0 where classes have no order; if
	// Least it is only known to be more.
	Value float64
	Least bool

	// Last is the class of the latest case of the same kind whose answer was known
	// when this was asked: the owner's last job, the machine's last day. -1: none.
	Last int
}
