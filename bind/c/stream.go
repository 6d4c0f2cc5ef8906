package main

// #include "bridge.h"
import "C"

import (
	"unsafe"

	"github.com/parley-rtc/parley/bind/mobile"
)

//export parley_call_start_video
func parley_call_start_video(call, source C.parley_handle) C.int32_t {
	return withVideo(call, source, (*mobile.Call).StartVideo)
}

//export parley_call_stop_video
func parley_call_stop_video(call, source C.parley_handle) C.int32_t {
	return withVideo(call, source, (*mobile.Call).StopVideo)
}

//export parley_call_request_key_frame
func parley_call_request_key_frame(call C.parley_handle) C.int32_t {
	return do(call, (*mobile.Call).RequestKeyFrame)
}

func withVideo(call, source C.parley_handle, operation func(*mobile.Call, *mobile.VideoSource) error) C.int32_t {
	return do(call, func(c *mobile.Call) error {
		s, err := find[*mobile.VideoSource](source)
		if err != nil {
			return err
		}
		return operation(c, s)
	})
}

// videoListener steers the encoder of a program.
type videoListener struct{ callbacks *callbacks }

// OnKeyFrameRequested implements mobile.VideoSourceListener.
func (l *videoListener) OnKeyFrameRequested() {
	l.callbacks.call(func(memory unsafe.Pointer) { C.bridge_video_key(memory) })
}

// OnTargetBitrateChanged implements mobile.VideoSourceListener.
func (l *videoListener) OnTargetBitrateChanged(bps int32) {
	l.callbacks.call(func(memory unsafe.Pointer) { C.bridge_video_bitrate(memory, C.int32_t(bps)) })
}

//export parley_video_source_new
func parley_video_source_new(client C.parley_handle, codec C.int32_t, callbacks C.in_video_callbacks, out *C.parley_handle) C.int32_t {
	return create(out, func() (C.parley_handle, error) {
		owner, err := find[*mobile.Client](client)
		if err != nil {
			return 0, err
		}
		c, err := takeCallbacks(unsafe.Pointer(callbacks), C.sizeof_parley_video_callbacks)
		if err != nil {
			return 0, err
		}
		var listener mobile.VideoSourceListener
		if !c.isNil() {
			listener = &videoListener{callbacks: c}
		}
		source, err := owner.NewVideoSource(int32(codec), listener)
		if err != nil {
			c.drop()
			return 0, err
		}
		return add(source, (*mobile.VideoSource).Close, c, client)
	})
}

//export parley_video_source_send
func parley_video_source_send(source C.parley_handle, frame C.in_data, size C.size_t, timestamp C.int64_t, keyFrame C.int32_t) C.int32_t {
	data, err := memoryOf(unsafe.Pointer(frame), size)
	if err != nil {
		return fail(err)
	}
	return value(source, func(s *mobile.VideoSource) int32 { return s.SendFrame(data, int64(timestamp), keyFrame != 0) })
}

//export parley_data_sender_new
func parley_data_sender_new(call C.parley_handle, channel, lossy, bitrate C.int32_t, out *C.parley_handle) C.int32_t {
	return create(out, func() (C.parley_handle, error) {
		c, err := find[*mobile.Call](call)
		if err != nil {
			return 0, err
		}
		sender, err := c.NewDataSender(int32(channel), lossy != 0, int32(bitrate))
		if err != nil {
			return 0, err
		}
		return add(sender, (*mobile.DataSender).Close, nil, call)
	})
}

//export parley_data_sender_channel
func parley_data_sender_channel(sender C.parley_handle) C.int32_t {
	return value(sender, (*mobile.DataSender).ChannelID)
}

//export parley_data_sender_send
func parley_data_sender_send(sender C.parley_handle, data C.in_data, size C.size_t) C.int32_t {
	return do(sender, func(s *mobile.DataSender) error {
		message, err := memoryOf(unsafe.Pointer(data), size)
		if err != nil {
			return err
		}
		return s.Send(message)
	})
}
