package journal

import (
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/workload"
)

// The fields of a reservation.
const (
	reservationDecision = iota + 1
	reservationRequest
	reservationPrincipal
	reservationWorkload
	reservationClass
	reservationNode
	reservationDevices
	reservationExpires
	reservationConfirmed
	reservationGang
	reservationMember
	reservationMembers
)

func writeReservation(w *writer, r *ledger.Reservation) {
	w.text(reservationDecision, r.Decision)
	w.text(reservationRequest, r.Request)
	w.text(reservationPrincipal, r.Principal)
	if r.Workload != nil {
		w.message(reservationWorkload, func(w *writer) { writeWorkload(w, r.Workload) })
	}
	w.text(reservationClass, string(r.Class))
	w.text(reservationNode, r.Node)
	for _, k := range r.Devices {
		w.uint(reservationDevices, uint64(k)+1)
	}
	w.time(reservationExpires, r.Expires)
	w.flag(reservationConfirmed, r.Confirmed)
	w.text(reservationGang, r.Gang)
	w.int(reservationMember, int64(r.Member))
	w.int(reservationMembers, int64(r.Members))
}

func readReservation(r *reader) *ledger.Reservation {
	out := new(ledger.Reservation)
	for r.next() {
		switch r.field {
		case reservationDecision:
			out.Decision = r.text()
		case reservationRequest:
			out.Request = r.text()
		case reservationPrincipal:
			out.Principal = r.text()
		case reservationWorkload:
			out.Workload = readWorkload(r.message())
		case reservationClass:
			out.Class = workload.Class(r.text())
		case reservationNode:
			out.Node = r.text()
		case reservationDevices:
			k := r.uint()
			if k < 1 || k > maxDevices {
				r.fail(errValue)
			}
			out.Devices = append(out.Devices, int(k)-1)
		case reservationExpires:
			out.Expires = r.time()
		case reservationConfirmed:
			out.Confirmed = r.flag()
		case reservationGang:
			out.Gang = r.text()
		case reservationMember:
			out.Member = r.count()
		case reservationMembers:
			out.Members = r.count()
		default:
			r.unknown()
		}
	}
	return out
}

const maxDevices = 1 << 16
