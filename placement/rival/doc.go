// Package rival holds scorers of published packers, for package simulation to
// compare ours with in the same engine. Formulas are those of the simulator of Weng
// et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with
// Fragmentation Gradient Descent", USENIX ATC 2023 (section 6.1 and appendix), and
// of kube-scheduler. Like there, points are whole numbers, and ties, which are many,
// go to the node of lower seeded rank. All but FGD take the device that fits best.
package rival
