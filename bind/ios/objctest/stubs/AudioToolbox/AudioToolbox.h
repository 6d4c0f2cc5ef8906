// Stands in for Apple's AudioToolbox: the few declarations that ParleyVoiceUnit.m
// uses, with Apple's names, orders and types. voice.m has a unit behind them. That
// Apple's unit does with them what its manual says is seen on a phone only.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef int32_t OSStatus;
typedef uint32_t UInt32;
typedef double Float64;
enum { noErr = 0 };
enum { kAudioUnitErr_TooManyFramesToProcess = -10874 };

typedef struct AudioBuffer {
	UInt32 mNumberChannels;
	UInt32 mDataByteSize;
	void *mData;
} AudioBuffer;

typedef struct AudioBufferList {
	UInt32 mNumberBuffers;
	AudioBuffer mBuffers[1];
} AudioBufferList;

typedef struct AudioStreamBasicDescription {
	Float64 mSampleRate;
	UInt32 mFormatID;
	UInt32 mFormatFlags;
	UInt32 mBytesPerPacket;
	UInt32 mFramesPerPacket;
	UInt32 mBytesPerFrame;
	UInt32 mChannelsPerFrame;
	UInt32 mBitsPerChannel;
	UInt32 mReserved;
} AudioStreamBasicDescription;
enum { kAudioFormatLinearPCM = 0x6c70636d };
enum { kAudioFormatFlagIsSignedInteger = 1 << 2, kAudioFormatFlagIsPacked = 1 << 3 };

typedef struct AudioTimeStamp {
	Float64 mSampleTime;
} AudioTimeStamp;

typedef struct OpaqueAudioComponent *AudioComponent;
typedef struct OpaqueAudioComponentInstance *AudioComponentInstance;
typedef AudioComponentInstance AudioUnit;
typedef UInt32 AudioUnitPropertyID, AudioUnitScope, AudioUnitElement, AudioUnitRenderActionFlags;

typedef struct AudioComponentDescription {
	UInt32 componentType, componentSubType, componentManufacturer, componentFlags, componentFlagsMask;
} AudioComponentDescription;
enum {
	kAudioUnitType_Output = 0x61756f75,
	kAudioUnitSubType_VoiceProcessingIO = 0x7670696f,
	kAudioUnitManufacturer_Apple = 0x6170706c,
};

typedef OSStatus (*AURenderCallback)(void *, AudioUnitRenderActionFlags *, const AudioTimeStamp *, UInt32, UInt32, AudioBufferList *);
typedef struct AURenderCallbackStruct {
	AURenderCallback inputProc;
	void *inputProcRefCon;
} AURenderCallbackStruct;

enum { kAudioUnitScope_Global = 0, kAudioUnitScope_Input = 1, kAudioUnitScope_Output = 2 };
enum {
	kAudioUnitProperty_StreamFormat = 8,
	kAudioUnitProperty_MaximumFramesPerSlice = 14,
	kAudioUnitProperty_SetRenderCallback = 23,
	kAudioUnitProperty_ShouldAllocateBuffer = 51,
	kAudioOutputUnitProperty_EnableIO = 2003,
	kAudioOutputUnitProperty_SetInputCallback = 2005,
};

AudioComponent AudioComponentFindNext(AudioComponent after, const AudioComponentDescription *wanted);
OSStatus AudioComponentInstanceNew(AudioComponent component, AudioComponentInstance *instance);
OSStatus AudioComponentInstanceDispose(AudioComponentInstance instance);
OSStatus AudioUnitSetProperty(AudioUnit, AudioUnitPropertyID, AudioUnitScope, AudioUnitElement, const void *, UInt32);
OSStatus AudioUnitInitialize(AudioUnit unit);
OSStatus AudioUnitUninitialize(AudioUnit unit);
OSStatus AudioOutputUnitStart(AudioUnit unit);
OSStatus AudioOutputUnitStop(AudioUnit unit);
OSStatus AudioUnitRender(AudioUnit, AudioUnitRenderActionFlags *, const AudioTimeStamp *, UInt32, UInt32, AudioBufferList *);
