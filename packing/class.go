package packing

// Whole is a whole device; shares of devices are in parts of it.
const Whole = 1000

// MostDevices is how many devices of a machine can be told apart.
const MostDevices = 64

// Models is a set of device models, one bit each; 0 stands for all there are.
type Models uint64

// Has reports whether a device of a model, one bit, is of the set.
func (m Models) Has(model Models) bool { return m == 0 || m&model != 0 }

// Class is what tasks that pack alike have in common.
type Class struct {
	Cores   float64 // asked for
	Devices int32   // 0 = none
	Share   int32   // of each device: Whole where Devices is over 1, 0 where it is 0
	Models  Models  // that will do
	Memory  float64 // bytes asked for; 0 where classes are told apart by their devices
}

// Demand returns what the class takes of devices, in devices.
func (c Class) Demand() float64 { return float64(c.Devices) * float64(c.Share) / Whole }

// Task is one arrival.
type Task struct {
	Class
	NeedCores  float64 // that it will take up; may differ from what it asked for
	NeedMemory float64 // bytes
}

// Machine is a node without tasks.
type Machine struct {
	Cores   float64
	Memory  float64  // bytes
	Devices []Models // the model of each, one bit; at most MostDevices
}

// Vocabulary gives device models their bits. The zero value is empty. Models
// beyond the 63rd share the last bit: for planning they count as one.
type Vocabulary struct {
	names []string
}

// Bit returns the bit of a model, a new one where it has none.
func (v *Vocabulary) Bit(model string) Models {
	for i, n := range v.names {
		if n == model {
			return 1 << i
		}
	}
	if len(v.names) == 63 {
		return 1 << 63
	}
	v.names = append(v.names, model)
	return 1 << (len(v.names) - 1)
}

// Names returns the models in the order of their bits.
func (v *Vocabulary) Names() []string { return v.names[:len(v.names):len(v.names)] }
