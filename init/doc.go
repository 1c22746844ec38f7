// Package pid1 is a container's first process: a small supervisor that starts
// one child, the agent, hands it every signal, reaps every orphan, and when the
// agent has told how things ended clears away what is left and returns the exit
// code. [Run] is the supervisor, [Attach] the agent's end of the link between
// the two.
//
// They are two processes because the reaper waits on any child and drops the
// statuses, so a process that needs its children's exit statuses must not be
// the one that reaps. The supervisor therefore learns the outcome over the link
// and from no wait status, and it does nothing that can fail halfway: it must
// not know configuration, networks or jobs.
//
// The folder is called init, a name that Go allows no package to be imported by.
package pid1
