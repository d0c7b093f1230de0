package journal

import (
	"errors"
	"fmt"
	"github.com/auspex-project/auspex/placement/ledger"
)

// version of the form below, the first byte of a record. A form that older
// programs would misread gets the next number; forms once written stay readable.
// Version 1 was lines of JSON and never left development: it is refused.
const version = 2

var errJSON = errors.New("it is JSON, which only development versions wrote and nothing reads any more " +
	"(move the journal's folder away and start with an empty fleet: nodes register again, work that runs is to be placed anew)")

// The fields of a record. Numbers are the format, as in protocol buffers: they
// are never used for anything else.
const (
	recordSeq = iota + 1
	recordKind
	recordTime
	recordNode
	recordName
	recordReserved
	recordDecision
)

// kinds are the numbers records of a kind have on disk, from 1.
var kinds = [...]ledger.RecordKind{
	ledger.NodeRegistered, ledger.NodeRemoved, ledger.NodeDrained, ledger.NodeUndrained,
	ledger.WorkloadReserved, ledger.WorkloadConfirmed, ledger.WorkloadReleased, ledger.WorkloadExpired,
}

// encode appends r to b.
func encode(b []byte, r *ledger.Record) ([]byte, error) {
	w := writer{append(b, version)}
	w.uint(recordSeq, r.Seq)
	for i, k := range kinds {
		if k == r.Kind {
			w.uint(recordKind, uint64(i+1))
		}
	}
	w.time(recordTime, r.Time)
	if r.Node != nil {
		if err := r.Node.Validate(); err != nil {
			return nil, fmt.Errorf("encode record %d: %w", r.Seq, err)
		}
		w.message(recordNode, func(w *writer) { writeNode(w, r.Node) })
	}
	w.text(recordName, r.Name)
	if r.Reserved != nil {
		w.message(recordReserved, func(w *writer) { writeReservation(w, r.Reserved) })
	}
	w.text(recordDecision, r.Decision)
	return w.b, nil
}

// decode reads one record and checks that it holds what its kind
// needs.
func decode(data []byte) (r ledger.Record, err error) {
	switch {
	case len(data) == 0:
		return r, errors.New("decode: the record is empty")
	case data[0] == '{':
		err = fmt.Errorf("decode: %w", errJSON)
	case data[0] == version:
		r, err = decodeFields(data[1:])
	default:
		err = fmt.Errorf("version %d is unknown: it was written by a newer program", data[0])
	}
	if err != nil {
		return ledger.Record{}, err
	}
	if err := check(&r); err != nil {
		return ledger.Record{}, fmt.Errorf("record %d, %.32q: %w", r.Seq, r.Kind, err)
	}
	return r, nil
}

func decodeFields(data []byte) (r ledger.Record, err error) {
	in := reader{b: data}
	for in.next() {
		switch in.field {
		case recordSeq:
			r.Seq = in.uint()
		case recordKind:
			if k := in.uint(); k >= 1 && k <= uint64(len(kinds)) {
				r.Kind = kinds[k-1]
			}
		case recordTime:
			r.Time = in.time()
		case recordNode:
			r.Node = readNode(in.message())
		case recordName:
			r.Name = in.text()
		case recordReserved:
			r.Reserved = readReservation(in.message())
		case recordDecision:
			r.Decision = in.text()
		default:
			in.unknown()
		}
	}
	if in.err() != nil {
		return r, fmt.Errorf("decode: %w", in.err())
	}
	return r, nil
}

// check reports what r lacks for its kind.
func check(r *ledger.Record) error {
	switch r.Kind {
	case ledger.NodeRegistered:
		if r.Node == nil {
			return errors.New("no node is described")
		}
		return r.Node.Validate()
	case ledger.NodeRemoved, ledger.NodeDrained, ledger.NodeUndrained:
		if r.Name == "" {
			return errors.New("no node is named")
		}
	case ledger.WorkloadReserved:
		h := r.Reserved
		switch {
		case h == nil || h.Workload == nil:
			return errors.New("no reservation is described")
		case h.Decision == "" || h.Request == "" || h.Node == "" || h.Class == "":
			return errors.New("reservation without decision, request, node or class")
		case h.Gang == "" && h.Members != 0, h.Gang != "" && (h.Member < 0 || h.Member >= h.Members):
			return fmt.Errorf("member %d of the %d of gang %.64q", h.Member, h.Members, h.Gang)
		}
		return h.Workload.Validate()
	case ledger.WorkloadConfirmed, ledger.WorkloadReleased, ledger.WorkloadExpired:
		if r.Decision == "" {
			return errors.New("no decision is named")
		}
	default:
		return errors.New("unknown kind")
	}
	return nil
}
