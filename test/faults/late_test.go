package faults

import "strings"

// lateVerdict is verdict for a node that is out of touch until the others have lost
// it, and then is back. What it hears of the end is chance, but it has the head's code
// or says that it has lost contact.
func (w *world) lateVerdict(f fault, state string) string {
	t, draining := w.t, state == "draining"
	head, work, other := "", "", ""
	if f.late == "worker" {
		until := "over" // the head has still to tell the others
		if draining {
			until = "silent" // it tells them at once
		}
		w.head.until(until)
		f.undo(w)
		head, work, other = w.head.until("end"), w.work.until("end"), w.other.until("end")
	} else {
		work, other = w.work.until("end"), w.other.until("end")
		f.undo(w)
		head = w.head.until("end")
	}
	failed := func(end string) bool { return strings.HasPrefix(end, "end 69") }
	must := map[bool]string{false: "end 69", true: ended}[draining]
	switch {
	case f.late == "worker" && (!strings.HasPrefix(head, must) || other != head && state != "gathering"),
		f.late == "worker" && work != head && !failed(work),
		f.late == "worker" && state == "gathering" && !failed(other),
		f.late == "head" && !failed(head) && (!draining || head != ended),
		f.late == "head" && (!failed(work) || !failed(other)):
		t.Errorf("head %q, worker %q, other %q", head, work, other)
	}
	headText, workText := inWords("head", head), "worker 69"
	switch {
	case f.late == "head" && draining:
		headText, workText = "head the job's or 69", inWords("worker", work)
	case f.late == "head":
		headText, workText = "head 69", inWords("worker", work)
	case draining:
		workText = "worker the job's, or 69, lost the head"
	}
	return headText + "; " + workText + "; " + inWords("other", other)
}
