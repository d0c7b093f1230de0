// Package host is the source that measures the machine it runs on: CPU, memory
// and block I/O of each control group (cgroup v2), or of each process group where
// there is no control group hierarchy with accounting.
//
// A workload is the deepest control group that has its own accounting, named
// NODE/PATH, or a process group, named NODE/proc/COMMAND:PGID. Its first sight
// is the baseline; from then on each measurement yields the mean rates since the
// one before. The length of an interval comes from the monotonic clock, so a wall
// clock that is set changes no rate. Each measurement has a time of its own, even
// when the wall clock passes the same moment twice.
//
// CPU is in cores. Memory is the working set: what is charged to a control group
// less inactive file cache; for a process group the private memory of its
// processes and the largest shared part among them. I/O is bytes read from and
// written to block devices.
package host
