package callfsm_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/callfsm"
)

var update = flag.Bool("update", false, "write docs/call-states.md anew")

const statesDoc = "../../docs/call-states.md"

// TestStatesDocument keeps docs/call-states.md the same as the machines:
// go test ./internal/callfsm -run StatesDocument -update.
func TestStatesDocument(t *testing.T) {
	var b bytes.Buffer
	b.WriteString(statesIntroduction)
	writeTimers(&b)
	b.WriteString("\n## An end: which input is legal in which state\n\nA dash is an illegal input: it is refused and changes nothing. " +
		"Several states in a cell depend on the direction of the call or on whether the media path stands. " +
		"Inputs in capitals are messages from the service, the others come from the app, the transport or signaling.\n\n")
	writeMatrix(t, &b)
	b.WriteString("\n## An end: what each input does\n")
	for _, s := range situations() {
		writeSituation(t, &b, s)
	}
	b.WriteString("\n## The service\n\n`2:ENDED` is a message to leg 2; leg 0 is the caller. In all of these three devices were called.\n")
	for _, s := range serviceSituations() {
		writeServiceSituation(t, &b, s)
	}
	if *update {
		if err := os.WriteFile(statesDoc, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(statesDoc)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, b.Bytes()) {
		t.Errorf("%s is out of date: run go test ./internal/callfsm -run StatesDocument -update", statesDoc)
	}
}

const statesIntroduction = `# States of a call

Generated from internal/callfsm by its tests; do not edit (see the end of this
page for how to write it anew).

A call has one state machine at each end (Machine) and one in the service
(Coordinator). Both are pure: an input and the time go in, effects come out.

` + "```" + `
 caller                                         a device of the callee
 None --Start--> Connecting                     None --INCOMING--> Ringing
 Connecting --RINGING--> Ringing                Ringing --Accept--> Connecting
 Connecting, Ringing --EARLY_MEDIA--> EarlyMedia
 any of these --LOBBY--> InLobby                Ringing --Reject--> Disconnecting
 any of these --ACCEPTED--> Connected, or Connecting until the media path stands
                                                Connecting --CONFIRMED and transport up--> Connected

 both
 Connected --Hold--> LocalHold --Resume--> Connected
 Connected --HOLD--> RemoteHold --RESUME--> Connected
 LocalHold --HOLD--> BothHold, RemoteHold --Hold--> BothHold; apps see BothHold as LocalHold
 any --HangUp--> Disconnecting --ENDED, or 5 s--> Disconnected
 any --ENDED, or a timer--> Disconnected
` + "```" + `

An end is Connected when the service agreed (ACCEPTED at the caller, CONFIRMED at
the device) and its transport is up. Media may flow earlier: the device sends
with its ACCEPT, the caller with ACCEPTED.

After a lost session an end sends RECONCILE with its own state, and RECONCILED
tells it what the service knows; what was under way in the lost session is made
good by that, in both directions.

To write this page anew: go test ./internal/callfsm -run StatesDocument -update

## Timers

`

func writeTimers(b *bytes.Buffer) {
	d := callfsm.DefaultTimeouts()
	b.WriteString("| Timer | Runs | Value | When it fires |\n| --- | --- | --- | --- |\n")
	no, slow, lost := callfsm.ReasonNoAnswer.Reason(), callfsm.ReasonNotEstablished.Reason(), callfsm.ReasonNetworkLost.Reason()
	pair := func(r callfsm.EndReason) string { return fmt.Sprintf("%d/%d", r.Code, r.Subcode) }
	for _, row := range [][4]string{
		{"establishment", "Start, INCOMING or Accept → Connected, ringing included; not in a lobby", d.Establishment.String(), "in Ringing " + pair(no) + ", else " + pair(slow)},
		{"establishment with a phone number", "the same", d.EstablishmentPSTN.String(), "the same"},
		{"reconnect", "signaling (until RECONCILED) or media lost in Connected and the holds; signaling lost in a lobby", d.Reconnect.String(), pair(lost)},
		{"modality", "request → answer", d.Modality.String(), "the request fails and is taken back"},
		{"transfer", "request → answer", d.Transfer.String(), "the request fails"},
		{"promote", "request → answer", d.Promote.String(), "the request fails"},
		{"remove participant", "request → answer", d.RemoveParticipant.String(), "the request fails"},
		{"teardown", "hang-up or rejection → ENDED", d.Teardown.String(), "Disconnected with this end's own reason"},
	} {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row[:], " | "))
	}
	b.WriteString("\nThe service runs the first three as well: establishment from START until both ends said CONNECTED, and " +
		"reconnect for each leg whose session is lost.\n")
}

// outcome is what one input does in one situation.
func outcome(t *testing.T, m *callfsm.Machine, y symbol) (to callfsm.State, does string, ok bool) {
	t.Helper()
	c := m.Clone()
	effects, err := c.Step(start, y.in)
	return c.State(), describe(effects), err == nil
}

func writeMatrix(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	b.WriteString("| input |")
	for s := callfsm.StateNone; s <= callfsm.StateDisconnected; s++ {
		fmt.Fprintf(b, " %v |", s)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", int(callfsm.StateDisconnected)+1) + "\n")
	all := situations()
	for i, y := range symbols(all[0].make(t)) {
		var cells [callfsm.StateDisconnected + 1][]string
		legal := false
		for _, s := range all {
			m := s.make(t)
			if to, _, ok := outcome(t, m, symbols(m)[i]); ok {
				legal = true
				if name := to.String(); !strings.Contains(strings.Join(cells[s.state], " "), name) {
					cells[s.state] = append(cells[s.state], name)
				}
			}
		}
		if !legal {
			continue
		}
		fmt.Fprintf(b, "| %s |", y.name)
		for _, c := range cells {
			if len(c) == 0 {
				c = []string{"–"}
			}
			fmt.Fprintf(b, " %s |", strings.Join(c, ", "))
		}
		b.WriteString("\n")
	}
}

func writeSituation(t *testing.T, b *bytes.Buffer, s situation) {
	t.Helper()
	fmt.Fprintf(b, "\n### %v (%s)\n\n| input | next state | effects |\n| --- | --- | --- |\n", s.state, s.name)
	m := s.make(t)
	for _, y := range symbols(m) {
		if to, does, ok := outcome(t, m, y); ok {
			fmt.Fprintf(b, "| %s | %v | %s |\n", y.name, to, does)
		}
	}
}

func writeServiceSituation(t *testing.T, b *bytes.Buffer, s serviceSituation) {
	t.Helper()
	fmt.Fprintf(b, "\n### %v (%s)\n\n| input | next state | effects |\n| --- | --- | --- |\n", s.state, s.name)
	if s.state == callfsm.CoordinatorEnded {
		b.WriteString("| anything | Ended | |\n")
		return
	}
	for _, y := range serviceSymbols() {
		c := s.make(t)
		if effects, err := c.Step(start, y.in); err == nil {
			fmt.Fprintf(b, "| %s | %v | %s |\n", y.name, c.State(), describeService(effects))
		}
	}
}
