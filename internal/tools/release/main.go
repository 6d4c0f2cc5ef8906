// Command release makes what stands beside the files of a release. It is a
// module of its own, so that what it needs is no dependency of Parley.
//
//	release contents [-opus SOURCE] FILE
//	                        what a program or library built by Go is made of:
//	                        FILE.cdx.json (CycloneDX) and FILE.licenses.txt;
//	                        SOURCE is the archive of the libopus inside
//	release contents [-opus SOURCE] -for OS/ARCH -tags TAGS -version VERSION FILE PACKAGE...
//	                        the same of a file that cannot be asked, from the
//	                        packages that it is built of
//	release module VERSION DIR
//	                        the module as the Go command downloads it, as a
//	                        file tree for GOPROXY in DIR
//	release pack ARCHIVE SECONDS ROOT NAME
//	                        ROOT/NAME as a .tar.gz or .zip; SECONDS since 1970
//	                        is the time of all its files
//	release sums DIR        DIR/SHA256SUMS over all its files
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "release: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) > 1 && args[0] == "contents":
		return tellContents(args[1:])
	case len(args) == 3 && args[0] == "module":
		return writeModule(args[1], args[2])
	case len(args) == 5 && args[0] == "pack":
		seconds, err := strconv.ParseInt(args[2], 10, 64)
		if err != nil {
			return err
		}
		return pack(args[1], time.Unix(seconds, 0), args[3], args[4])
	case len(args) == 2 && args[0] == "sums":
		sums, err := writeSums(args[1])
		fmt.Print(sums)
		return err
	}
	return errors.New("usage: release contents, module, pack or sums; see the head of main.go")
}

// tellContents is the command contents.
func tellContents(args []string) error {
	flags := flag.NewFlagSet("contents", flag.ContinueOnError)
	source := flags.String("opus", "", "the archive of libopus's source")
	target := flags.String("for", "", "OS/ARCH")
	tags := flags.String("tags", "", "build tags")
	version := flags.String("version", "", "the version of the file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var c *contents
	var err error
	switch {
	case *target != "":
		c, err = ofPackages(flags.Arg(0), *version, *target, *tags, flags.Args()[min(1, flags.NArg()):])
	case flags.NArg() == 1:
		c, err = ofFile(flags.Arg(0))
	default:
		err = errors.New("contents: one file")
	}
	if err != nil {
		return err
	}
	if err := c.add(*source); err != nil {
		return err
	}
	return c.write()
}
