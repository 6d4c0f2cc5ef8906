// Command release makes what stands beside the files of a release. It is a
// module of its own, so that what it needs is no dependency of Parley.
//
//	release contents FILE   the modules in a program or library built by Go:
//	                        FILE.cdx.json (CycloneDX) and FILE.licenses.txt
//	release module VERSION DIR
//	                        the module as the Go command downloads it, as a
//	                        file tree for GOPROXY in DIR
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "release: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "contents":
		return writeContents(args[1])
	case len(args) == 3 && args[0] == "module":
		return writeModule(args[1], args[2])
	}
	return fmt.Errorf("usage: release contents FILE, or release module VERSION DIR")
}
