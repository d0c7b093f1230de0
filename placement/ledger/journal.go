package ledger

import (
	"iter"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/workload"
)

// Journal keeps what must survive a crash. Implementations are safe for
// concurrent use.
type Journal interface {
	// Append makes records durable before it returns, all or none, be it for a
	// crash; concurrent callers share one sync. Records of different callers may land in any order: Seq tells.
	Append(records ...Record) error

	// Replay yields the last snapshot, behind a SnapshotTaken, then the records appended
	// since but for those it contains (Seq at or below the snapshot's).
	// What cannot be read is an error with the place it is at.
	Replay() iter.Seq2[Record, error]

	// Compact replaces records by the snapshot that content returns. Append may run
	// beside it.
	Compact(content func() Snapshot) error
}

// Snapshot is a ledger's state.
type Snapshot struct {
	UpTo    uint64           // sequence number up to which it says everything; of what is later it may say some
	Count   int              // of Records
	Records iter.Seq[Record] // each valid until the next is asked for; may be read once
}

// Record is one change of the ledger's state.
type Record struct {
	Seq  uint64 // order of the change; unique, rising
	Kind RecordKind
	Time time.Time

	Node     *fleet.Node  // NodeRegistered
	Name     string       // of the node, for the other node records
	Reserved *Reservation // WorkloadReserved
	Decision string       // id, for the other reservation records
}

// RecordKind says what changed.
type RecordKind string

const (
	NodeRegistered    RecordKind = "node"
	NodeRemoved       RecordKind = "node_removed"
	NodeDrained       RecordKind = "drained"
	NodeUndrained     RecordKind = "undrained"
	WorkloadReserved  RecordKind = "reserved"
	WorkloadConfirmed RecordKind = "confirmed"
	WorkloadReleased  RecordKind = "released"
	WorkloadExpired   RecordKind = "expired"

	// SnapshotTaken says that all changes up to Seq are in what follows: those to come
	// have higher numbers, though it may hold none of so high a one. It is not appended.
	SnapshotTaken RecordKind = "snapshot"
)

// Reservation is a workload's hold on a node.
type Reservation struct {
	Decision  string
	Request   string
	Principal string
	Workload  *workload.Workload
	Class     workload.Class
	Node      string
	Devices   []int
	Expires   time.Time
	Confirmed bool

	// A member of a gang says which one: of the gang decided on as Gang, the
	// Member-th of Members, from 0. All are zero for a workload of its own.
	Gang            string
	Member, Members int
}
