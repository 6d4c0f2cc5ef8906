//go:build cgo && !nolibopus && opusstatic

package opus

// Each slice has its own library, made by scripts/opus-static; a slice that was
// not made and that CGO_CFLAGS does not name fails with "opus.h: no such file".
// To the go command, ios is darwin too, and android linux. A simulator on an
// Apple chip has the device's GOOS and GOARCH: the tag iossimulator, which
// scripts/bind-ios sets, tells them apart.

// #cgo linux,!android,amd64 CFLAGS: -I${SRCDIR}/static/linux-amd64/include/opus
// #cgo linux,!android,amd64 LDFLAGS: -L${SRCDIR}/static/linux-amd64/lib
// #cgo linux,!android,arm64 CFLAGS: -I${SRCDIR}/static/linux-arm64/include/opus
// #cgo linux,!android,arm64 LDFLAGS: -L${SRCDIR}/static/linux-arm64/lib
// #cgo android,arm64 CFLAGS: -I${SRCDIR}/static/android-arm64/include/opus
// #cgo android,arm64 LDFLAGS: -L${SRCDIR}/static/android-arm64/lib
// #cgo android,arm CFLAGS: -I${SRCDIR}/static/android-arm/include/opus
// #cgo android,arm LDFLAGS: -L${SRCDIR}/static/android-arm/lib
// #cgo android,amd64 CFLAGS: -I${SRCDIR}/static/android-amd64/include/opus
// #cgo android,amd64 LDFLAGS: -L${SRCDIR}/static/android-amd64/lib
// #cgo android,386 CFLAGS: -I${SRCDIR}/static/android-386/include/opus
// #cgo android,386 LDFLAGS: -L${SRCDIR}/static/android-386/lib
// #cgo ios,!iossimulator,arm64 CFLAGS: -I${SRCDIR}/static/ios-arm64/include/opus
// #cgo ios,!iossimulator,arm64 LDFLAGS: -L${SRCDIR}/static/ios-arm64/lib
// #cgo ios,iossimulator,arm64 CFLAGS: -I${SRCDIR}/static/iossimulator-arm64/include/opus
// #cgo ios,iossimulator,arm64 LDFLAGS: -L${SRCDIR}/static/iossimulator-arm64/lib
// #cgo ios,amd64 CFLAGS: -I${SRCDIR}/static/iossimulator-amd64/include/opus
// #cgo ios,amd64 LDFLAGS: -L${SRCDIR}/static/iossimulator-amd64/lib
// #cgo darwin,!ios,arm64 CFLAGS: -I${SRCDIR}/static/darwin-arm64/include/opus
// #cgo darwin,!ios,arm64 LDFLAGS: -L${SRCDIR}/static/darwin-arm64/lib
// #cgo darwin,!ios,amd64 CFLAGS: -I${SRCDIR}/static/darwin-amd64/include/opus
// #cgo darwin,!ios,amd64 LDFLAGS: -L${SRCDIR}/static/darwin-amd64/lib
// #cgo LDFLAGS: -lopus -lm
import "C"
