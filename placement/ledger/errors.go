package ledger

import "errors"

// errCutShort is what those are told who wait for a decision that a panic ended.
var errCutShort = errors.New("a fault cut the decision short: the log says more")

// What callers may test for with errors.Is. All other errors are faults of the
// service itself.
var (
	ErrInvalid         = errors.New("invalid")                                  // the caller's input breaks a rule, named in the text
	ErrRequestReused   = errors.New("request id was used for another workload") // choose a new id
	ErrAlreadyPlaced   = errors.New("workload is already placed")               // release it first
	ErrUnknownDecision = errors.New("unknown decision")                         // never made, or no longer kept
	ErrNotReserved     = errors.New("no reservation to confirm")                // expired, released, denied or dry run
	ErrUnknownNode     = errors.New("unknown node")
	ErrNodeInUse       = errors.New("node still holds work")  // force, or release it first
	ErrConflict        = errors.New("fleet changed too fast") // worth a retry
	ErrJournal         = errors.New("journal cannot be written (free space on its disk, then try again)")
)
