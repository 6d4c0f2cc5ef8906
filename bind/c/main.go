// Command c is Parley as a C library: calls and chat behind parley.h, made by
// `make bind-c` as a shared and as a static library. It stands on bind/mobile,
// which catches panics, drops listeners and copies; here are the handles, the
// callbacks and the structs of C. README.md says how it is built and used.
package main

// #include "bridge.h"
import "C"

// main is never called: the package is built as a library.
func main() {}
