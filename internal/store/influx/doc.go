// Package influx keeps the usage history in an InfluxDB: 1.8 with Flux enabled,
// or 2.x, through influxdb-client-go/v2.
//
// A sample is one point of the measurement "usage": the parts of its key are
// tags, the amounts are fields in base units ("cpu", "memory", "limit:cpu",
// "custom:NAME"), and the field "sample:amounts" is their number. Writing the
// same key and millisecond again merges fields, which makes every write safe to
// repeat. In tags, control characters and % \ " $ are written as %XX.
package influx
