package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
)

// chatRun is one run of the chat scenario.
type chatRun struct {
	*env
	result *figures.Result
	rounds int
	length time.Duration
	// sizes are the members of conversations, atOnce how many sends are on
	// their way, idles how many idle connections there are.
	sizes, atOnce, idles []int
	// systems are measured in turn; the service is the first.
	systems []chatSystem
	// missing are those that are not here, and why.
	missing map[string]string
}

// errNotHere is why a system is not measured: it is not installed.
var errNotHere = errors.New("not run here")

// stage is a part of the scenario.
type stage struct {
	name  string
	steps int
	run   func(context.Context) error
}

func (c *chatRun) stages() []stage {
	perSize := c.rounds * len(c.systems)
	return []stage{
		{"sends", len(c.atOnce) * (c.rounds + perSize), c.sends},
		{"deliveries", (len(c.sizes) + 1) * perSize, c.deliveries},
		{"idle", 2 * len(c.idles) * len(c.systems), c.idle},
		{"beside", 2 * len(c.idles) * c.rounds * len(c.sizes), c.beside},
	}
}

// wants tells whether a part is to be measured.
func (c *chatRun) wants(part string) bool { return len(c.parts) == 0 || slices.Contains(c.parts, part) }

// known refuses parts that are none.
func (c *chatRun) known() error {
	var all []string
	for _, one := range c.stages() {
		all = append(all, one.name)
	}
	for _, part := range c.parts {
		if !slices.Contains(all, part) {
			return fmt.Errorf("--parts: %q is none of %s", part, strings.Join(all, ", "))
		}
	}
	return nil
}

// rivalsTable names the systems beside the service, in their order.
func rivalsTable() []string {
	return []string{ejabberdSQLite, ejabberdMnesia, natsDurable, natsCore}
}

func (c *chatRun) describe() {
	r := c.result
	r.Set("sends", "%d rounds of %v for each number at once, messages of %d bytes into %d conversations of two; one is over when it is answered (REST), or answered and with the other member (connections)",
		c.rounds, c.length, len(chatText), chatPairs)
	r.Set("per core", "messages, or deliveries, per second of the server's own processor time")
	r.Set("deliveries", "%d rounds of %v for each system in turn; every member connected over the system's own connection; the members send in turn; %d messages may be on their way when deliveries are counted", c.rounds, c.length, window)
	r.Set("the service", "one commit to SQLite with write-ahead logging and synchronous=FULL, or several messages in one, before a send is answered or delivered")
	r.Set(ejabberdSQLite, "mod_mam in SQLite with write-ahead logging and synchronous=FULL, everything else in Mnesia; chat between two: a row in either archive; rooms: one")
	r.Set(ejabberdMnesia, "mod_mam in Mnesia, the package's default: nothing waits for the disk")
	r.Set(natsDurable, "nats-server of the module that go.mod names, one stream in files, sync_interval always, one push consumer for each conversation")
	r.Set(natsCore, "the same program without a stream: nothing is kept")
}

// rivals starts the systems beside the service. One that is not installed, or
// does not start, is named in the report; its places in the table of ratios say
// the same.
func (c *chatRun) rivals(ctx context.Context) (all []chatSystem, err error) {
	for _, name := range rivalsTable() {
		var s chatSystem
		var err error
		switch name {
		case ejabberdSQLite, ejabberdMnesia:
			s, err = startEjabberd(ctx, name == ejabberdSQLite)
		case natsDurable, natsCore:
			s, err = startNATS(ctx, name == natsDurable)
		}
		switch {
		case err == nil:
			all = append(all, s)
			continue
		case ctx.Err() != nil:
			return all, fmt.Errorf("%s: %w", name, err)
		case errors.Is(err, errNotHere):
			c.missing[name] = errNotHere.Error() // why is told once, in the notes
		default:
			c.missing[name] = "failed"
		}
		c.result.Note("%s: %v", name, err)
	}
	return all, nil
}

// figureOf names a metric: those of the service by what they are alone.
func figureOf(system, what string) string {
	if system == "" {
		return what
	}
	return system + ": " + what
}

func (c *chatRun) metric(s chatSystem, what, group, unit string, goals ...figures.Goal) *figures.Metric {
	if s.name() != "" {
		goals = nil
	}
	m := c.result.Metric(figureOf(s.name(), what), group, unit, goals...)
	m.Baseline = s.name() != ""
	return m
}

// failed says what a failure of one system means: a rival's is noted and the
// rival goes, the service's ends the run.
func (c *chatRun) failed(ctx context.Context, s chatSystem, err error) error {
	if err == nil {
		return nil
	}
	if s.name() == "" || ctx.Err() != nil {
		return err
	}
	c.missing[s.name()] = "failed"
	c.result.Note("%s: %v", s.name(), err)
	c.systems = slices.DeleteFunc(c.systems, func(o chatSystem) bool { return o == s })
	if err := s.close(); err != nil {
		c.result.Note("%s: %v", s.name(), err)
	}
	return nil
}

// turns runs rounds in which every system has its turn.
func (c *chatRun) turns(ctx context.Context, do func(chatSystem) error) error {
	for range c.rounds {
		for _, s := range slices.Clone(c.systems) {
			if err := c.failed(ctx, s, do(s)); err != nil {
				return err
			}
			c.step()
		}
	}
	return nil
}

// talks makes conversations with every system; close ends them.
func (c *chatRun) talks(ctx context.Context, count int, start func(chatSystem) (*conversation, error)) (all map[chatSystem][]*conversation, closeAll func() error, err error) {
	all = map[chatSystem][]*conversation{}
	closeAll = func() error {
		var err error
		for s, talks := range all {
			if !slices.Contains(c.systems, s) {
				for _, talk := range talks {
					_ = talk.close() // its system failed, which has been told
				}
				continue
			}
			for _, talk := range talks {
				err = errors.Join(err, c.failed(ctx, s, talk.end(ctx)))
			}
		}
		return err
	}
	for _, s := range slices.Clone(c.systems) {
		for range count {
			talk, err := start(s)
			if err != nil {
				if err := c.failed(ctx, s, err); err != nil {
					return nil, nil, errors.Join(err, closeAll())
				}
				break
			}
			all[s] = append(all[s], talk)
		}
	}
	return all, closeAll, nil
}

// sends measures durable sends into conversations of two: over REST for the
// service, and over the connections of each system.
func (c *chatRun) sends(ctx context.Context) (err error) {
	service := c.systems[0].(*chatBench)
	overREST, err := service.sends(ctx)
	if err != nil {
		return err
	}
	talks, closeAll, err := c.talks(ctx, chatPairs, func(s chatSystem) (*conversation, error) { return s.pair(ctx) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	for _, n := range c.atOnce {
		err := c.turns(ctx, func(s chatSystem) error {
			if s.name() == "" {
				if err := c.send(ctx, s, overREST, "send: "+plural(n), n); err != nil {
					return err
				}
				c.step()
			}
			return c.send(ctx, s, pairs(s.server(), talks[s]), sendName(n), n)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func sendName(atOnce int) string { return fmt.Sprintf("send over connections: %d at once", atOnce) }

// send is one round of sends.
func (c *chatRun) send(ctx context.Context, s chatSystem, t *target, what string, atOnce int) error {
	l, err := t.press(ctx, atOnce, c.length, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	goal := figures.Goal{Quantile: figures.Median, Must: 2000, Aim: 5000, AtLeast: true}
	c.metric(s, what+", per core", "Durable sends per second and core", "/s", goal).Add(l.perCore())
	c.metric(s, what+", rate", "Durable sends per second", "/s").Add(l.rate())
	const group = "Time of a send: p50 and p99 of each round"
	c.metric(s, what+", p50", group, "ms").Add(l.at(0.5))
	c.metric(s, what+", p99", group, "ms").Add(l.at(0.99))
	return nil
}

// deliveries measures conversations of several sizes: at a steady rate how long
// deliveries take, and as fast as possible how many there are.
func (c *chatRun) deliveries(ctx context.Context) error {
	for _, n := range c.sizes {
		if err := c.deliver(ctx, n, c.systems, ""); err != nil {
			return fmt.Errorf("%d members: %w", n, err)
		}
	}
	return nil
}

// warmUp is how long a conversation goes on before it is measured.
const warmUp = 500 * time.Millisecond

func deliverName(members int, beside string) string {
	return fmt.Sprintf("deliver: %d members%s", members, beside)
}

// deliver measures one size with some systems; beside says what stands by.
func (c *chatRun) deliver(ctx context.Context, members int, systems []chatSystem, beside string) (err error) {
	all := c.systems
	c.systems = slices.Clone(systems)
	defer func() {
		c.systems = slices.DeleteFunc(all, func(s chatSystem) bool {
			return slices.Contains(systems, s) && !slices.Contains(c.systems, s)
		})
	}()
	rooms, closeAll, err := c.talks(ctx, 1, func(s chatSystem) (*conversation, error) { return s.room(ctx, members) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	what, group := deliverName(members, beside), fmt.Sprintf("Send to delivered, %d messages per second into one conversation", steadyRate)
	err = c.turns(ctx, func(s chatSystem) error {
		// Not counted, of no system: the connections of a conversation that has just
		// begun are cold.
		if _, err := rooms[s][0].steady(ctx, warmUp); err != nil {
			return err
		}
		took, err := rooms[s][0].steady(ctx, c.length)
		if err != nil {
			return err
		}
		var goals []figures.Goal
		if members == manyMembers {
			goals = append(goals, figures.Goal{Quantile: figures.Median, Must: 15, Aim: 8})
		}
		c.metric(s, what+", p50", group, "ms").Add(quantile(took, 0.5))
		c.metric(s, what+", p99", group, "ms", goals...).Add(quantile(took, 0.99))
		return nil
	})
	if err != nil || members < manyMembers || beside != "" {
		return err
	}
	return c.turns(ctx, func(s chatSystem) error {
		perCore, rate, err := rooms[s][0].blast(ctx, s.server(), c.length)
		if err != nil {
			return err
		}
		c.metric(s, what+", per core", "Deliveries per second and core", "/s",
			figures.Goal{Quantile: figures.Median, Must: 50000, Aim: 150000, AtLeast: true}).Add(perCore)
		c.metric(s, what+", rate", "Deliveries per second", "/s").Add(rate)
		return nil
	})
}

// compare sets the service beside the others.
func (c *chatRun) compare() {
	if c.wants("beside") {
		for _, n := range c.idles {
			for _, members := range c.sizes {
				same := deliverName(members, besideName(n)) + ", p99"
				c.result.Compare(fmt.Sprintf("send → delivered, %d members, beside %d idle / without them, p99", members, n), same, figureOf(withoutThem, same), "")
			}
		}
	}
	if c.alone {
		return
	}
	beside := func(what, of, to string) {
		for _, name := range rivalsTable() {
			c.result.Compare(what+" / "+name, of, figureOf(name, to), c.missing[name])
		}
	}
	if c.wants("sends") {
		for _, n := range c.atOnce {
			to := sendName(n) + ", per core"
			beside(fmt.Sprintf("sends per core, %d at once, REST", n), "send: "+plural(n)+", per core", to)
			beside(fmt.Sprintf("sends per core, %d at once, connections", n), to, to)
		}
	}
	if c.wants("deliveries") {
		for _, n := range c.sizes {
			for _, q := range []string{"p50", "p99"} {
				same := deliverName(n, "") + ", " + q
				beside(fmt.Sprintf("send → delivered, %d members, %s", n, q), same, same)
			}
		}
		same := deliverName(manyMembers, "") + ", per core"
		beside("deliveries per core", same, same)
	}
	if !c.wants("idle") {
		return
	}
	for _, n := range c.idles {
		for _, kind := range []string{"plain", "TLS"} {
			same := idleName(kind, n)
			for _, name := range []string{ejabberdMnesia, natsCore} {
				c.result.Compare(fmt.Sprintf("idle connection, %s, of %d / %s", kind, n, name), same, figureOf(name, same), c.missing[name])
			}
		}
	}
}
