// Package workload is the vocabulary of what is placed: a Workload with its
// requests, needs and wishes, and the Class it belongs to.
package workload
