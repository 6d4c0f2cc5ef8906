// The voice-processing unit's code, over a unit that stands in for Apple's: on
// Linux only, where the build says so.
#ifdef PARLEY_PROBE

#import "support.h"
#import "ParleyVoiceUnit.h"

#include <AudioToolbox/AudioToolbox.h>

enum { rendered = 480, microphoneBus = 1, speakerBus = 0 };

/// The unit that stands in. There is one at a time.
static struct OpaqueAudioComponentInstance {
	BOOL made, initialized, started, microphone, ownMemory;
	AudioStreamBasicDescription from, to;
	AURenderCallbackStruct captured, played;
	UInt32 maxFrames;
	// Which function fails, and how often units were made and thrown away.
	const char *fails;
	int news, disposals;
} unit;

static OSStatus result(const char *function) { return unit.fails != NULL && strcmp(unit.fails, function) == 0 ? -66637 : noErr; }

AudioComponent AudioComponentFindNext(AudioComponent after, const AudioComponentDescription *wanted) {
	return wanted->componentSubType == kAudioUnitSubType_VoiceProcessingIO ? (AudioComponent)&unit : NULL;
}

OSStatus AudioComponentInstanceNew(AudioComponent component, AudioComponentInstance *instance) {
	if (component == NULL || unit.made || result(__func__) != noErr) {
		return -66637;
	}
	unit.made = YES;
	unit.news++;
	*instance = &unit;
	return noErr;
}

OSStatus AudioComponentInstanceDispose(AudioComponentInstance instance) {
	unit.made = NO;
	unit.disposals++;
	return noErr;
}

OSStatus AudioUnitSetProperty(AudioUnit u, AudioUnitPropertyID property, AudioUnitScope scope, AudioUnitElement bus, const void *value, UInt32 size) {
	if (unit.initialized || result(__func__) != noErr) {
		return -10849;
	}
	void *place = NULL;
	UInt32 wanted = sizeof(UInt32);
	UInt32 number = 0;
	if (property == kAudioOutputUnitProperty_EnableIO && scope == kAudioUnitScope_Input && bus == microphoneBus) {
		place = &number;
	} else if (property == kAudioUnitProperty_ShouldAllocateBuffer && scope == kAudioUnitScope_Output && bus == microphoneBus) {
		place = &number;
	} else if (property == kAudioUnitProperty_MaximumFramesPerSlice && scope == kAudioUnitScope_Global) {
		place = &unit.maxFrames;
	} else if (property == kAudioUnitProperty_StreamFormat && (scope == kAudioUnitScope_Output) == (bus == microphoneBus)) {
		place = bus == microphoneBus ? &unit.from : &unit.to;
		wanted = sizeof(AudioStreamBasicDescription);
	} else if (property == kAudioOutputUnitProperty_SetInputCallback || (property == kAudioUnitProperty_SetRenderCallback && bus == speakerBus)) {
		place = property == kAudioOutputUnitProperty_SetInputCallback ? &unit.captured : &unit.played;
		wanted = sizeof(AURenderCallbackStruct);
	}
	if (place == NULL || size != wanted) {
		return -10879;
	}
	memcpy(place, value, size);
	if (property == kAudioOutputUnitProperty_EnableIO) {
		unit.microphone = number == 1;
	}
	if (property == kAudioUnitProperty_ShouldAllocateBuffer) {
		unit.ownMemory = number == 0;
	}
	return noErr;
}

OSStatus AudioUnitInitialize(AudioUnit u) {
	unit.initialized = result(__func__) == noErr;
	return result(__func__);
}

OSStatus AudioUnitUninitialize(AudioUnit u) {
	unit.initialized = NO;
	return noErr;
}

OSStatus AudioOutputUnitStart(AudioUnit u) {
	unit.started = result(__func__) == noErr;
	return result(__func__);
}

OSStatus AudioOutputUnitStop(AudioUnit u) {
	unit.started = NO;
	return noErr;
}

OSStatus AudioUnitRender(AudioUnit u, AudioUnitRenderActionFlags *flags, const AudioTimeStamp *time, UInt32 bus, UInt32 frames, AudioBufferList *list) {
	if (bus != microphoneBus || list->mBuffers[0].mData == NULL || list->mBuffers[0].mDataByteSize != 2 * frames) {
		return -10877;
	}
	memset(list->mBuffers[0].mData, 1, 2 * frames);
	return result(__func__);
}

/// A form is the library's: 48 kHz, mono, signed 16 bit.
static BOOL isOurs(AudioStreamBasicDescription form) {
	return form.mSampleRate == ParleyMobileAudioSampleRate && form.mFormatID == kAudioFormatLinearPCM && form.mChannelsPerFrame == 1 &&
		form.mBitsPerChannel == 16 && form.mBytesPerFrame == 2 && form.mBytesPerPacket == 2 && form.mFramesPerPacket == 1 &&
		form.mFormatFlags == (kAudioFormatFlagIsSignedInteger | kAudioFormatFlagIsPacked);
}

/// The system's audio thread asks once for each way.
static void turn(UInt32 frames, OSStatus want) {
	AudioUnitRenderActionFlags flags = 0;
	AudioTimeStamp now = {0};
	OSStatus status = unit.captured.inputProc(unit.captured.inputProcRefCon, &flags, &now, microphoneBus, frames, NULL);
	CHECK(status == want, @"the microphone's function gave %d", (int)status);
	char memory[2 * rendered];
	memset(memory, 7, sizeof(memory));
	AudioBufferList list = {1, {{1, sizeof(memory), memory}}};
	CHECK(unit.played.inputProc(unit.played.inputProcRefCon, &flags, &now, speakerBus, rendered, &list) == noErr, @"the loudspeaker's function failed");
	// There is no call: silence.
	for (size_t i = 0; i < sizeof(memory); i++) {
		CHECK(memory[i] == 0, @"the loudspeaker has got something");
	}
}

void checkVoiceUnit(void) {
	NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
	NSError *error = nil;
	ParleyMobileClient *client = ParleyMobileNewClient(clientOptions(), &error);
	NO_ERROR(error);
	ParleyVoiceUnit *voice = [[ParleyVoiceUnit alloc] initWithAudio:[client audio]];
	[voice stop];
	CHECK([voice start:&error], @"%@", error);
	CHECK(unit.started && unit.microphone && unit.ownMemory && isOurs(unit.from) && isOurs(unit.to), @"the unit is set up another way");
	turn(rendered, noErr);
	turn(unit.maxFrames, noErr);
	turn(unit.maxFrames + 1, kAudioUnitErr_TooManyFramesToProcess);
	unit.fails = "AudioUnitRender";
	turn(rendered, -66637);
	const char *functions[] = {"AudioComponentInstanceNew", "AudioUnitSetProperty", "AudioUnitInitialize", "AudioOutputUnitStart"};
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		unit.fails = functions[i];
		CHECK(![voice start:NULL] && ![voice start:&error] && [error code] != 0, @"%s failed, and the unit has started", unit.fails);
		CHECK([[error domain] isEqualToString:NSOSStatusErrorDomain], @"%@", error);
		CHECK(!unit.made && !unit.started && !unit.initialized, @"%s failed, and a unit is left", unit.fails);
	}
	unit.fails = NULL;
	error = nil;
	CHECK([voice start:&error] && [voice start:&error] && unit.started, @"%@", error);
	// A client that is closed is silent.
	[client close];
	turn(rendered, noErr);
	[voice release];
	CHECK(!unit.made && unit.news == unit.disposals, @"%d units were made and %d thrown away", unit.news, unit.disposals);
	[pool release];
	printf("ok voice unit\n");
}

#endif
