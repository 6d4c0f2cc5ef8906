package chat

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	_ "image/gif" // pictures that are made smaller
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"unicode"

	_ "golang.org/x/image/webp" // pictures that are made smaller
)

const (
	typeJPEG = "image/jpeg"
	typePNG  = "image/png"
	typeGIF  = "image/gif"
	typeWebP = "image/webp"
	typeHEIC = "image/heic"

	// smallSide is the longer side of the small view in pixels.
	smallSide = 320
	// maxPixels bounds what is unpacked to be made smaller: 4 bytes each.
	maxPixels    = 16 << 20
	smallQuality = 80
	sniffed      = 16
)

// imageType tells what a picture is by its first bytes.
func imageType(data io.ReadSeeker) (string, error) {
	var head [sniffed]byte
	if _, err := data.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	n, err := io.ReadFull(data, head[:])
	if err == nil {
		if kind := typeOfHead(head[:n]); kind != "" {
			return kind, nil
		}
	}
	return "", refuse(KindInvalid, "The image is neither JPEG, PNG, GIF, WebP nor HEIC.")
}

func typeOfHead(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return typeJPEG
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return typePNG
	case bytes.HasPrefix(head, []byte("GIF87a")), bytes.HasPrefix(head, []byte("GIF89a")):
		return typeGIF
	case bytes.HasPrefix(head, []byte("RIFF")) && string(head[8:12]) == "WEBP":
		return typeWebP
	case string(head[4:8]) == "ftyp":
		switch string(head[8:12]) {
		case "heic", "heix", "heim", "heis", "mif1", "msf1":
			return typeHEIC
		}
	}
	return ""
}

// shrink makes the small view of a picture; nil when the picture is small
// already, or cannot be unpacked here.
func shrink(kind string, data io.ReadSeeker) (*bytes.Reader, string) {
	if kind == typeHEIC {
		return nil, "" // there is no decoder in Go
	}
	if _, err := data.Seek(0, io.SeekStart); err != nil {
		return nil, ""
	}
	config, _, err := image.DecodeConfig(data)
	if err != nil || config.Width < 1 || config.Height < 1 || max(config.Width, config.Height) <= smallSide || config.Width > maxPixels/config.Height {
		return nil, ""
	}
	if kind == typeWebP && !frameFits(data, config) {
		return nil, ""
	}
	if _, err := data.Seek(0, io.SeekStart); err != nil {
		return nil, ""
	}
	whole, _, err := image.Decode(data)
	if err != nil {
		return nil, ""
	}
	small := scale(whole)
	var out bytes.Buffer
	if small.Opaque() {
		err, kind = jpeg.Encode(&out, small, &jpeg.Options{Quality: smallQuality}), typeJPEG
	} else {
		err, kind = png.Encode(&out, small), typePNG
	}
	if err != nil {
		return nil, ""
	}
	return bytes.NewReader(out.Bytes()), kind
}

// frameFits tells whether the frame of a WebP picture has the size that the
// picture says it has. The decoder makes room for the frame, however small the
// picture is.
func frameFits(data io.ReadSeeker, config image.Config) bool {
	const header, maxChunks = 12, 64
	next := int64(header)
	for range maxChunks {
		var chunk [18]byte // its name, its size, and what a frame begins with
		if _, err := data.Seek(next, io.SeekStart); err != nil {
			return false
		}
		if _, err := io.ReadFull(data, chunk[:]); err != nil {
			return false
		}
		size, frame := binary.LittleEndian.Uint32(chunk[4:]), chunk[8:]
		switch string(chunk[:4]) {
		case "VP8 ": // RFC 6386 9.1
			w, h := binary.LittleEndian.Uint16(frame[6:])&0x3fff, binary.LittleEndian.Uint16(frame[8:])&0x3fff
			return int(w) == config.Width && int(h) == config.Height
		case "VP8L": // RFC 9649 3.4: 14 bits each, less one
			bits := binary.LittleEndian.Uint32(frame[1:])
			return int(bits&0x3fff)+1 == config.Width && int(bits>>14&0x3fff)+1 == config.Height
		}
		next += 8 + int64(size) + int64(size&1)
	}
	return false
}

// scale makes each pixel of the result the mean of those that it stands for.
func scale(whole image.Image) *image.NRGBA {
	b := whole.Bounds()
	w, h := b.Dx(), b.Dy()
	longer := max(w, h)
	to := image.NewNRGBA(image.Rect(0, 0, max(1, w*smallSide/longer), max(1, h*smallSide/longer)))
	for y := range to.Rect.Dy() {
		top, bottom := b.Min.Y+y*h/to.Rect.Dy(), b.Min.Y+(y+1)*h/to.Rect.Dy()
		for x := range to.Rect.Dx() {
			left, right := b.Min.X+x*w/to.Rect.Dx(), b.Min.X+(x+1)*w/to.Rect.Dx()
			to.Set(x, y, mean(whole, image.Rect(left, top, max(right, left+1), max(bottom, top+1))))
		}
	}
	return to
}

// mean is the mean color of a part of a picture.
func mean(whole image.Image, part image.Rectangle) color.Color {
	var red, green, blue, alpha, n uint64
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			r, g, b, a := whole.At(x, y).RGBA()
			red, green, blue, alpha, n = red+uint64(r), green+uint64(g), blue+uint64(b), alpha+uint64(a), n+1
		}
	}
	return color.RGBA64{uint16(red / n), uint16(green / n), uint16(blue / n), uint16(alpha / n)} //nolint:gosec // means of 16 bits
}

// cleanName takes out of the name of a file what is no part of one.
func cleanName(name string) string {
	name = strings.ToValidUTF8(name, "")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return -1
		}
		return c
	}, name)
}
