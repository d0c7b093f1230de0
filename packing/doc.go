// Package packing says what the free space of machines with devices is worth for
// the mix of tasks that arrives: how much of it, in devices, can be expected to
// stay unused. A scheduler that adds the least expected waste with each task packs
// more of them.
//
// A device with a share of r free is expected to end with w(r) unused, which is
// more for an awkward rest than for one that common tasks fill. And devices are of
// no use without the cores and the memory their tasks need beside them: a machine
// with R free devices in all and companions for a part of them only is charged for
// the lack. The worth of a machine's state is
//
//	waste = sum over devices of w(r) + R x lack²
//	lack  = max(0, 1 - free cores / (R x cores per device), the same for memory)
//
// with cores and memory per device as the tasks of the mix need them. Choosing the
// machine and device where the waste rises least is one step of a rollout: w is
// the expected end of the greedy packer itself, by dynamic programming for a lone
// device (Unplanned) and refined by packing an empty copy of the fleet with tasks
// drawn from the mix (Problem.Solve).
//
// Tasks of several devices need them whole and on one machine, of which w knows
// nothing: what a machine could take of them is taken off its waste in part
// (Worth.Together), so that others break up as few machines as they can.
//
// Where no devices are asked for Room says the same of cores and memory.
//
// For comparison it has the measure of Fragmentation Gradient Descent (Weng et
// al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with
// Fragmentation Gradient Descent", USENIX ATC 2023), which charges for what the
// mix could not use as things are, not for what will be left of it.
//
// Everything is pure and deterministic for its inputs. Shares of devices are in
// parts of Whole, cores in cores, memory in bytes, waste in devices.
package packing
