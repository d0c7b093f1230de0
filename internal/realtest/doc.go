// Package realtest starts real servers for tests: InfluxDB, Prometheus and its node exporter, each on a free
// loopback port with a directory of its own. A server is killed when its test ends, also when the test process
// is killed; its log is printed when the test fails. The servers keep address and data over Stop, Kill and Start,
// so a test can rehearse outages.
//
// The binaries come from .tools/bin (built by `make servers`), from PATH, or from AUSPEX_INFLUXD,
// AUSPEX_PROMETHEUS and AUSPEX_NODE_EXPORTER. Without them a test is skipped, or fails where
// AUSPEX_REQUIRE_REAL=1, as `make test` sets it.
package realtest
