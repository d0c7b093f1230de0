package packing

// State is what is free on a machine.
type State struct {
	Cores  float64
	Free   []int32  // share of each device
	Models []Models // the model of each, one bit
}

// Fragment returns how much of what is free of a machine's devices, in devices, a
// task drawn from the mix could not use: FGD's F_n(M). A task that finds too few
// cores or devices, or asks for none, could use nothing of it.
func Fragment(s State, mix []Target) float64 {
	free := int32(0)
	for _, r := range s.Free {
		free += r
	}
	if free == 0 {
		return 0
	}
	sum := 0.0
	for i := range mix {
		t := &mix[i]
		unused := free
		if t.Devices > 0 && s.Cores >= t.NeedCores {
			fitting, rest := int32(0), int32(0)
			for k, r := range s.Free {
				if r >= t.Share && t.Models.Has(s.Models[k]) {
					fitting++
				} else {
					rest += r
				}
			}
			if fitting >= t.Devices {
				unused = rest
			}
		}
		sum += t.Part * float64(unused)
	}
	return sum / Whole
}
