package main

import (
	"fmt"
	"io"
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bars are the progress bars; without a terminal they are lines.
type bars struct {
	out      io.Writer
	progress *mpb.Progress
}

func newBars(out io.Writer) *bars {
	b := &bars{out: out}
	if f, ok := out.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			b.progress = mpb.New(mpb.WithOutput(out), mpb.WithWidth(48))
		}
	}
	return b
}

func (b *bars) wait() {
	if b.progress != nil {
		b.progress.Wait()
	}
}

// bar is the progress of one scenario.
type bar struct {
	name string
	out  io.Writer
	bar  *mpb.Bar
	done int
	all  int
}

func (b *bars) add(name string) *bar {
	one := &bar{name: name, out: b.out}
	if b.progress != nil {
		one.bar = b.progress.AddBar(0,
			mpb.PrependDecorators(decor.Name(fmt.Sprintf("%-10s", name))),
			mpb.AppendDecorators(decor.CountersNoUnit("%d/%d "), decor.Elapsed(decor.ET_STYLE_MMSS)))
	} else {
		fmt.Fprintf(b.out, "%s …\n", name)
	}
	return one
}

func (b *bar) steps(n int) {
	b.all += n
	if b.bar != nil {
		b.bar.SetTotal(int64(b.all), false)
	}
}

func (b *bar) step() {
	b.done++
	if b.bar != nil {
		b.bar.Increment()
	}
}

func (b *bar) end(err error) {
	if b.bar != nil {
		if err != nil {
			b.bar.Abort(false)
			return
		}
		b.bar.SetTotal(int64(b.done), true)
		return
	}
	if err != nil {
		fmt.Fprintf(b.out, "%s: %v\n", b.name, err)
	}
}
