//go:build cgo && !nolibopus && !opusstatic

package opus

// #cgo pkg-config: opus
import "C"
