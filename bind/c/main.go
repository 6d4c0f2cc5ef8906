// Command c is Parley as a C library: calls and chat behind parley.h, made by
// `make bind-c` as a shared and as a static library. It stands on bind/mobile,
// which catches panics, drops listeners and copies; here are the handles, the
// callbacks and the structs of C. README.md says how it is built and used.
package main

// #include "bridge.h"
import "C"

// main is never called: the package is built as a library.
func main() {}

// What C could answer by itself goes through Go all the same: a library for
// Windows exports nothing but Go's functions.

//export parley_version
func parley_version() C.in_text { return C.bridge_version() }

//export parley_error_text
func parley_error_text(code C.int32_t) C.in_text { return C.bridge_error_text(code) }
