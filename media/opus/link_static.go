//go:build cgo && !nolibopus && opusstatic

package opus

// #cgo LDFLAGS: -lopus -lm
import "C"
