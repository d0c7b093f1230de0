package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// swf: batch jobs in the Standard Workload Format of the Parallel Workloads
// Archive (Feitelson, Tsafrir and Krakow, JPDC 2014). Lines that begin with ";"
// are comments, of which UnixStartTime places the times on the calendar; without
// one they are Unix times. A job is 18 numbers, -1 where unknown:
//
//	1 job  2 submitted  3 wait  4 run time  5 processors  6 CPU time  7 memory used
//	8 processors asked for  9 time asked for  10 memory asked for  11 status
//	12 user  13 group  14 executable  15 queue  16 partition  17, 18 predecessor
//
// MetaCentrum's logs of 2013 have three fields more (nodes, name of the queue,
// resource list) and give the memory asked for in bytes for the whole job; plain
// SWF gives KB per processor.
//
// A job is a workload of class batch that arrives when submitted and departs when
// its wait and its run are over. Its app is its user and executable, its queue the
// name or number of the queue. Wait, run time and time asked for, in seconds, and
// the status are labels, as far as they are known. A processor is a core.
func openSWF(ref Ref, _ Options) (*fleetTrace, error) {
	fs, err := findFiles(ref.Path)
	if err != nil {
		return nil, err
	}
	return arrivalsOf(fs, func(string) (rows[Arrival], error) { return &swfJobs{}, nil }), nil
}

const (
	swfFields         = 18
	metaCentrumFields = 21
)

type swfJobs struct {
	start  int64 // Unix seconds of time 0
	fields [][]byte
}

func (s *swfJobs) head([]byte) (bool, error) { return false, nil }

func (s *swfJobs) row(line []byte, emit func(Arrival) bool) error {
	if line[0] == ';' {
		return s.comment(line)
	}
	s.fields = append(s.fields[:0], bytes.Fields(line)...)
	if n := len(s.fields); n != swfFields && n != metaCentrumFields {
		return fmt.Errorf("%d fields, want %d (or %d of MetaCentrum)", n, swfFields, metaCentrumFields)
	}
	var v [swfFields + 1]int64 // numbered as in the definition
	for i := range swfFields {
		x, ok := number(s.fields[i])
		if !ok || x < -1 || x > mostAmount {
			return fmt.Errorf("field %d %q is not a number of -1 or more", i+1, clip(s.fields[i]))
		}
		v[i+1] = int64(x)
	}
	a, err := s.job(v[:])
	if err != nil {
		return err
	}
	emit(a)
	return nil
}

// comment looks for the start of the log.
func (s *swfJobs) comment(line []byte) error {
	_, text, ok := bytes.Cut(line, []byte("UnixStartTime:"))
	if !ok {
		return nil
	}
	start, ok := integer(bytes.TrimSpace(text))
	if !ok || start < 0 || start > 4e9 {
		return fmt.Errorf("UnixStartTime %q is not a time in seconds", clip(bytes.TrimSpace(text)))
	}
	s.start = start
	return nil
}

func (s *swfJobs) job(v []int64) (Arrival, error) {
	const longest = 4e9 // seconds, a hundred years and more
	if v[2] < 0 || v[2] > longest || v[3] > longest || v[4] > longest {
		return Arrival{}, errors.New("submitted, wait or run time is no time")
	}
	processors := v[8]
	if processors <= 0 {
		processors = v[5]
	}
	if processors <= 0 {
		return Arrival{}, errors.New("number of processors is unknown")
	}
	w := workload.Workload{
		ID:       "job-" + strconv.FormatInt(v[1], 10),
		App:      numbered("user-", v[12]) + numbered("/exe-", v[14]),
		Owner:    numbered("user-", v[12]),
		Queue:    numbered("queue-", v[15]),
		Class:    workload.Batch,
		Requests: resource.Vector{}.With(resource.CPU, float64(processors)),
		Labels:   map[string]string{},
	}
	if len(s.fields) == metaCentrumFields {
		w.Queue = string(s.fields[19])
	}
	if memory := s.memory(v, processors); memory > 0 {
		w.Requests = w.Requests.With(resource.Memory, memory)
	}
	w.Limits = w.Requests
	for _, l := range [...]struct {
		label string
		field int
	}{{"wait_seconds", 3}, {"run_seconds", 4}, {"requested_seconds", 9}, {"status", 11}} {
		if v[l.field] >= 0 {
			w.Labels[l.label] = strconv.FormatInt(v[l.field], 10)
		}
	}
	a := Arrival{Workload: w, Arrive: time.Unix(s.start+v[2], 0).UTC()}
	if v[4] >= 0 {
		a.Depart = a.Arrive.Add(time.Duration(max(v[3], 0)+v[4]) * time.Second)
	}
	return a, nil
}

// numbered returns a name for n, "" where n is unknown.
func numbered(prefix string, n int64) string {
	if n < 0 {
		return ""
	}
	return prefix + strconv.FormatInt(n, 10)
}

// memory returns the bytes a job asks for, 0 when unknown.
func (s *swfJobs) memory(v []int64, processors int64) float64 {
	if len(s.fields) == metaCentrumFields {
		return float64(v[10])
	}
	perProcessor := max(v[10], v[7])
	return float64(perProcessor) * 1024 * float64(processors)
}
