package placement

// BlockSize is the number of nodes in a Block: one bit each in a uint64.
const BlockSize = 64

// Lane holds one number per node of a Block.
type Lane [BlockSize]float32

// Block is BlockSize nodes.
type Block struct{}

// State is the fleet as the engine sees it.
type State struct{}

// Query is a request as the engine sees it.
type Query struct{}
