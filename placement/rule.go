package placement

// Filter is one hard rule about nodes.
type Filter interface {
	Name() string

	// Prepare returns what the rule demands for one request, one entry per reason it
	// may give; none when the request does not concern it.
	Prepare(q *Query) []Rule
}

// Rule turns nodes away for one reason.
type Rule struct {
	Reason      string // short, without amounts: reasons are counted
	Preemptible bool   // pausing or moving other work could help
	Check       Check  // nil lets every node pass
	Gate        Gate   // nil opens every place; a rule has no more than one of the two

	// Lasting promises that the answer about a node depends on what the node is, the
	// policy and the catalogue alone: not on what is placed, there or elsewhere, nor
	// on whether it is drained or silent. It is then not asked again until one of
	// these changes.
	Lasting bool

	// OfBuild promises more than Lasting: that nodes of one build get one answer, as
	// the interface of that name has it.
	OfBuild bool

	// Open says, by position in State.Places, where nodes are not all turned away by the
	// Check; nil where it does not go by that.
	Open []bool

	// Room says that the Check turns away nodes where less of a resource is left beside
	// what is requested there: the nodes of the highest scores may all be full.
	Room Room

	// Shared says that the answer about a node depends on the draw of its power
	// domains too. Of any other rule it depends, as for what is placed, on the node
	// and the groups the query is about.
	Shared bool

	// Costly marks a rule that takes long to ask. On a large fleet the scan asks it,
	// and the rules after it, only of nodes whose score could still win.
	Costly bool
}

// Room is an amount of a resource, by its position in the schema. The zero Room is
// none.
type Room struct {
	Resource int
	Amount   float64
}

// Check is the form of a Rule the scan runs. It must not allocate.
type Check interface {
	// Pass returns those of candidates, bits of nodes of b, that may run the
	// workload.
	Pass(s *State, b *Block, candidates uint64) uint64
}

// Thinned is a Check that knows, for little, of nodes that will not pass without some of
// their members either. Where work should yield it spares trials.
type Thinned interface {
	Check

	// PassWithout reports whether node i of b could pass were some of its members gone.
	PassWithout(b *Block, i int, gone []*Member) bool
}

// Scorer is one wish about nodes.
type Scorer interface {
	Name() string
	Unit() string           // of the raw value
	DefaultWeight() float64 // where Settings.Weights has no default

	// Prepare returns the measure for one request, nil when the wish does not concern
	// it: then every node gets 0.
	Prepare(q *Query) Measure
}

// Measure is the form of a Scorer the scan runs. It must not allocate.
type Measure interface {
	// Score writes, for each of candidates, what it measured in the scorer's unit to
	// raw and its place between 0 (worst) and 100 (best) to value. Both depend on
	// the one node alone, and not on what its power domains draw.
	Score(s *State, b *Block, candidates uint64, raw, value *Lane)
}

// Lasting is a Measure that promises what Rule.Lasting does.
type Lasting interface {
	Measure
	Lasting()
}

// Bounded is a Measure that costs much and knows, for little, what a node cannot
// pass. The scan asks it in full only about nodes that could still be among the
// best.
type Bounded interface {
	Measure

	// Bound writes to value, for each of candidates, at least what Score would.
	Bound(s *State, b *Block, candidates uint64, value *Lane)
}

// Chooser is a Measure that depends on which devices of a node the workload would
// get, and says which. Of several that count the one of the greatest weight does, the
// first of equals; where none does, Block.Select.
type Chooser interface {
	Measure

	// Choose returns the devices of node i of b for a workload that needs some, one bit
	// each; ok is false where it has no choice to make: then Block.Select decides.
	Choose(s *State, b *Block, i int) (devices uint64, ok bool)
}
