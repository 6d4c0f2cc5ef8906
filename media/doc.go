// Package media turns sound and pictures into packets and back: codecs,
// sources and sinks, senders and receivers.
package media
