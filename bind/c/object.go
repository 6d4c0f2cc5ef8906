package main

// #include "bridge.h"
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"
	"unsafe"

	"github.com/parley-rtc/parley/bind/c/internal/handle"
	"github.com/parley-rtc/parley/bind/mobile"
)

// objects are what C programs hold handles of.
//
//nolint:gochecknoglobals // the functions of a C library have nothing else in common
var objects handle.Table

// object is what a handle stands for.
type object[T any] struct {
	it        T
	shut      func(T) // ends it; nil: nothing to end
	callbacks *callbacks
}

func (o *object[T]) close() {
	if o.shut != nil {
		o.shut(o.it)
	}
	o.callbacks.drop()
}

// add gives an object a handle. When its parent was released meanwhile, it is
// closed.
func add[T any](it T, shut func(T), c *callbacks, parent C.parley_handle) (C.parley_handle, error) {
	o := &object[T]{it: it, shut: shut, callbacks: c}
	h, err := objects.New(o, handle.Handle(parent))
	if err != nil {
		o.close()
	}
	return C.parley_handle(h), err
}

// find returns the object of a handle.
func find[T any](h C.parley_handle) (T, error) {
	o, err := handle.Get[*object[T]](&objects, handle.Handle(h))
	if err != nil {
		var none T
		return none, err
	}
	return o.it, nil
}

// perhaps is find for handles that may be 0.
func perhaps[T any](h C.parley_handle) (it T, err error) {
	if h == 0 {
		return it, nil
	}
	return find[T](h)
}

//export parley_release
func parley_release(h C.parley_handle) C.int32_t {
	return result(func() error {
		released, err := objects.Release(handle.Handle(h))
		for _, o := range released {
			o.(interface{ close() }).close()
		}
		return err
	})
}

// refused is an error of this border.
type refused struct {
	code    int32
	message string
}

func (r *refused) Error() string { return r.message }

func invalid(format string, args ...any) error {
	return &refused{code: mobile.ErrorCodeInvalidArgument, message: fmt.Sprintf(format, args...)}
}

// failureOf says what an error was.
func failureOf(err error) *mobile.Failure {
	var own *refused
	switch {
	case errors.As(err, &own):
		return &mobile.Failure{Code: own.code, Message: own.message}
	case errors.Is(err, handle.ErrReleased):
		return &mobile.Failure{Code: mobile.ErrorCodeClosed, Message: err.Error()}
	case errors.Is(err, handle.ErrInvalid):
		return &mobile.Failure{Code: mobile.ErrorCodeInvalidArgument, Message: err.Error()}
	default:
		return mobile.FailureOf(err)
	}
}

// fail keeps an error as the last one of this thread and returns its code.
func fail(err error) C.int32_t {
	f := failureOf(err)
	fillError(C.bridge_last_error(), f)
	return C.int32_t(-f.Code)
}

// result carries out a function of the library; a panic becomes an error.
func result(operation func() error) (code C.int32_t) {
	defer func() {
		if r := recover(); r != nil {
			code = fail(&refused{code: mobile.ErrorCodeInternal, message: fmt.Sprint("panic: ", r)})
		}
	}()
	if err := operation(); err != nil {
		return fail(err)
	}
	return C.PARLEY_OK
}

// do carries out an operation on an object.
func do[T any](h C.parley_handle, operation func(T) error) C.int32_t {
	return result(func() error {
		it, err := find[T](h)
		if err != nil {
			return err
		}
		return operation(it)
	})
}

// value is do for operations that return a number; negative ones are errors.
func value[T any](h C.parley_handle, operation func(T) int32) C.int32_t {
	var n int32
	code := do(h, func(it T) error {
		if n = operation(it); n < 0 {
			return &refused{code: -n, message: C.GoString(C.bridge_error_text(C.int32_t(n)))}
		}
		return nil
	})
	if code < 0 {
		return code
	}
	return C.int32_t(n)
}

// reply is do for operations whose result is a text.
func reply[T any](h C.parley_handle, out **C.char, operation func(T) (string, error)) C.int32_t {
	return result(func() error {
		if out == nil {
			return invalid("no place for the result")
		}
		*out = nil
		it, err := find[T](h)
		if err != nil {
			return err
		}
		s, err := operation(it)
		if err == nil {
			*out = C.CString(s)
		}
		return err
	})
}

// create is result for functions that make an object.
func create(out *C.parley_handle, make func() (C.parley_handle, error)) C.int32_t {
	return result(func() (err error) {
		if out == nil {
			return invalid("no place for the handle")
		}
		*out = 0
		*out, err = make()
		return err
	})
}

// callbacks are a C program's struct of callbacks, copied. They are usable until
// they are dropped, and told to be released when none runs any more.
type callbacks struct {
	mu      sync.Mutex
	memory  unsafe.Pointer // the copy; nil once it is released
	running int
	dropped bool
}

// takeCallbacks copies a struct of callbacks; nil for none.
func takeCallbacks(from unsafe.Pointer, known uintptr) (*callbacks, error) {
	if from == nil {
		return nil, nil
	}
	memory := C.calloc(1, C.size_t(known))
	if err := copyStruct(memory, from, known, unsafe.Sizeof(C.bridge_head{})); err != nil {
		C.free(memory)
		return nil, err
	}
	return &callbacks{memory: memory}, nil
}

// call runs one of the callbacks, unless they were dropped.
func (c *callbacks) call(callback func(memory unsafe.Pointer)) {
	if c == nil {
		return
	}
	c.mu.Lock()
	if c.dropped {
		c.mu.Unlock()
		return
	}
	c.running++
	memory := c.memory
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.running--
		c.release()
	}()
	callback(memory)
}

// drop ends the use of the callbacks.
func (c *callbacks) drop() {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.dropped = true
	c.release()
}

// release tells the program, once, that it may free what its callbacks use. It
// unlocks.
func (c *callbacks) release() {
	memory := c.memory
	last := c.dropped && c.running == 0 && memory != nil
	if last {
		c.memory = nil
	}
	c.mu.Unlock()
	if last {
		C.bridge_released(memory)
		C.free(memory)
	}
}

// isNil tells listeners that need not be given.
func (c *callbacks) isNil() bool { return c == nil }

// maxStruct is far above what any struct of parley.h will ever be.
const maxStruct = 4096

// copyStruct copies a struct that begins with its size, of a caller whose header
// may be older or newer; least is the part that there always was.
func copyStruct(to, from unsafe.Pointer, known, least uintptr) error {
	size := uintptr(*(*C.uint32_t)(from))
	if size < least || size > maxStruct {
		return invalid("the struct's size is %d, it must be at least %d", size, least)
	}
	if size > known {
		for _, b := range unsafe.Slice((*byte)(unsafe.Add(from, known)), size-known) {
			if b != 0 {
				return &refused{code: mobile.ErrorCodeUnsupported, message: "the struct has a field that this library does not know"}
			}
		}
	}
	C.memcpy(to, from, C.size_t(min(size, known)))
	return nil
}

// options copies a struct of options; one without values for NULL.
func options[T any](from *T) (o T, err error) {
	if from == nil {
		return o, nil
	}
	return o, copyStruct(unsafe.Pointer(&o), unsafe.Pointer(from), unsafe.Sizeof(o), 4)
}

// texts reads texts of C; the first that cannot be is kept in err.
type texts struct{ err error }

// read returns a text, "" for NULL.
func (t *texts) read(s *C.char) string {
	if s == nil {
		return ""
	}
	text := C.GoString(s)
	if t.err == nil && !utf8.ValidString(text) {
		t.err = invalid("a text is not UTF-8")
	}
	return text
}

// read reads one text that may be missing.
func read(s *C.char) (string, error) {
	var t texts
	text := t.read(s)
	return text, t.err
}

// bytes is memory of the program. It must not be kept.
func memoryOf(data unsafe.Pointer, size C.size_t) ([]byte, error) {
	if size > 1<<30 || data == nil && size > 0 {
		return nil, &refused{code: mobile.ErrorCodeInvalidArgument, message: "no memory, or a size that cannot be"}
	}
	return unsafe.Slice((*byte)(data), int(size)), nil
}

// fixed writes a text into an array of C, cut where it is too long.
func fixed(to []C.char, s string) {
	n := min(len(s), len(to)-1)
	for n > 0 && n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	for i := range n {
		to[i] = C.char(s[i])
	}
	to[n] = 0
}

// number turns a truth into C's.
func number(b bool) C.int32_t {
	if b {
		return 1
	}
	return 0
}

// arena holds texts in C's memory while a callback runs.
type arena struct{ held []unsafe.Pointer }

func (a *arena) text(s string) *C.char {
	p := C.CString(s)
	a.held = append(a.held, unsafe.Pointer(p))
	return p
}

// pairs turns metadata into C's.
func (a *arena) pairs(m *mobile.Metadata) (*C.parley_pair, C.size_t) {
	to := list[C.parley_pair](a, int(m.Len()))
	for i := range to {
		name := m.NameAt(int32(i))
		to[i].name, to[i].value = a.text(name), a.text(m.Get(name))
	}
	return unsafe.SliceData(to), C.size_t(len(to))
}

func (a *arena) free() {
	for _, p := range a.held {
		C.free(p)
	}
}

// fillError fills a struct of this library's own size.
func fillError(e *C.parley_error, f *mobile.Failure) {
	e.size = C.sizeof_parley_error
	e.code, e.call_code, e.call_subcode = C.int32_t(-f.Code), C.int32_t(f.CallCode), C.int32_t(f.CallSubcode)
	e.http_status = C.int32_t(f.HTTPStatus)
	fixed(e.service_code[:], f.ServiceCode)
	fixed(e.message[:], f.Message)
}

// errorOf returns a failure in C's form; nil for none.
func errorOf(f *mobile.Failure) *C.parley_error {
	if f == nil {
		return nil
	}
	e := &C.parley_error{}
	fillError(e, f)
	return e
}

// giveStruct copies a filled struct to a caller whose header may be older or
// newer.
func giveStruct[T any](to *T, from *T) error {
	if to == nil {
		return invalid("no place for the result")
	}
	size := uintptr(*(*C.uint32_t)(unsafe.Pointer(to)))
	if size < 8 || size > maxStruct {
		return invalid("the struct's size is %d", size)
	}
	given := min(size, unsafe.Sizeof(*from))
	*(*C.uint32_t)(unsafe.Pointer(from)) = C.uint32_t(size)
	C.memcpy(unsafe.Pointer(to), unsafe.Pointer(from), C.size_t(given))
	return nil
}

//export parley_last_error
func parley_last_error(out *C.parley_error) C.int32_t {
	return result(func() error {
		last := *C.bridge_last_error()
		return giveStruct(out, &last)
	})
}

//export parley_free
func parley_free(memory unsafe.Pointer) { C.free(memory) }

// parentOf returns the object that an object was made with.
func parentOf(h C.parley_handle) C.parley_handle {
	return C.parley_handle(objects.Parent(handle.Handle(h)))
}
