#import "ParleyVoiceUnit.h"

#include <TargetConditionals.h>

#if TARGET_OS_IOS

#import "ParleyPCM.h"

#include <AudioToolbox/AudioToolbox.h>

#if !__has_include(<ParleyCore/ParleyMobile.objc.h>)
#import "ParleyMobile.objc.h"
#endif

#if __has_feature(objc_arc)
#define PARLEY_RETAIN(object) (object)
#define PARLEY_BRIDGE(type, pointer) ((__bridge type)(pointer))
#else
#define PARLEY_RETAIN(object) [(object) retain]
#define PARLEY_BRIDGE(type, pointer) ((type)(pointer))
#endif

// Apple's names of the two sides of an input and output unit.
enum { speakerBus = 0, microphoneBus = 1 };

/// As many samples as a unit asks for at a time at most, by its own default while
/// the screen is locked.
static const UInt32 maxFrames = 4096;

@implementation ParleyVoiceUnit

/// The microphone has something: fetches it into memory of our own.
static OSStatus capture(void *context, AudioUnitRenderActionFlags *flags, const AudioTimeStamp *time, UInt32 bus, UInt32 frames, AudioBufferList *unused) {
	ParleyVoiceUnit *voice = PARLEY_BRIDGE(ParleyVoiceUnit *, context);
	if (frames > maxFrames) {
		return kAudioUnitErr_TooManyFramesToProcess;
	}
	AudioBufferList list = {0};
	list.mNumberBuffers = 1;
	list.mBuffers[0].mNumberChannels = 1;
	list.mBuffers[0].mDataByteSize = frames * sizeof(int16_t);
	list.mBuffers[0].mData = [voice->_captured mutableBytes];
	OSStatus status = AudioUnitRender((AudioUnit)voice->_unit, flags, time, bus, frames, &list);
	if (status == noErr) {
		[voice->_microphone write:list.mBuffers[0].mData length:list.mBuffers[0].mDataByteSize];
	}
	return status;
}

/// The loudspeaker wants something.
static OSStatus play(void *context, AudioUnitRenderActionFlags *flags, const AudioTimeStamp *time, UInt32 bus, UInt32 frames, AudioBufferList *list) {
	ParleyVoiceUnit *voice = PARLEY_BRIDGE(ParleyVoiceUnit *, context);
	for (UInt32 i = 0; i < list->mNumberBuffers; i++) {
		if (list->mBuffers[i].mData != NULL) {
			[voice->_loudspeaker read:list->mBuffers[i].mData length:list->mBuffers[i].mDataByteSize];
		}
	}
	return noErr;
}

- (nullable instancetype)initWithAudio:(nonnull ParleyMobileAudio *)audio {
	self = [super init];
	if (self) {
		NSUInteger capacity = maxFrames * sizeof(int16_t);
		_audio = PARLEY_RETAIN(audio);
		_microphone = [[ParleyPCM alloc] initWithAudio:audio capacity:capacity];
		_loudspeaker = [[ParleyPCM alloc] initWithAudio:audio capacity:capacity];
		_captured = [[NSMutableData alloc] initWithLength:capacity];
	}
	return self;
}

/// Sets one property of the unit.
static OSStatus set(AudioUnit unit, AudioUnitPropertyID property, AudioUnitScope scope, AudioUnitElement bus, const void *value, UInt32 size) {
	return AudioUnitSetProperty(unit, property, scope, bus, value, size);
}

/// Connects a new unit to the two functions above, in the library's form of audio.
- (OSStatus)configure:(AudioUnit)unit {
	const UInt32 yes = 1, no = 0;
	AudioStreamBasicDescription form = {0};
	form.mSampleRate = ParleyMobileAudioSampleRate;
	form.mFormatID = kAudioFormatLinearPCM;
	form.mFormatFlags = kAudioFormatFlagIsSignedInteger | kAudioFormatFlagIsPacked;
	form.mChannelsPerFrame = 1;
	form.mBitsPerChannel = 8 * sizeof(int16_t);
	form.mFramesPerPacket = 1;
	form.mBytesPerFrame = form.mBytesPerPacket = sizeof(int16_t);
	AURenderCallbackStruct captured = {capture, PARLEY_BRIDGE(void *, self)};
	AURenderCallbackStruct played = {play, PARLEY_BRIDGE(void *, self)};
	OSStatus status = set(unit, kAudioOutputUnitProperty_EnableIO, kAudioUnitScope_Input, microphoneBus, &yes, sizeof(yes));
	// What the unit gives of the microphone, and what it takes for the loudspeaker.
	status = status ?: set(unit, kAudioUnitProperty_StreamFormat, kAudioUnitScope_Output, microphoneBus, &form, sizeof(form));
	status = status ?: set(unit, kAudioUnitProperty_StreamFormat, kAudioUnitScope_Input, speakerBus, &form, sizeof(form));
	status = status ?: set(unit, kAudioUnitProperty_MaximumFramesPerSlice, kAudioUnitScope_Global, speakerBus, &maxFrames, sizeof(maxFrames));
	status = status ?: set(unit, kAudioUnitProperty_ShouldAllocateBuffer, kAudioUnitScope_Output, microphoneBus, &no, sizeof(no));
	status = status ?: set(unit, kAudioOutputUnitProperty_SetInputCallback, kAudioUnitScope_Global, microphoneBus, &captured, sizeof(captured));
	return status ?: set(unit, kAudioUnitProperty_SetRenderCallback, kAudioUnitScope_Input, speakerBus, &played, sizeof(played));
}

- (BOOL)start:(NSError *_Nullable *_Nullable)error {
	[self stop];
	AudioComponentDescription wanted = {0};
	wanted.componentType = kAudioUnitType_Output;
	wanted.componentSubType = kAudioUnitSubType_VoiceProcessingIO;
	wanted.componentManufacturer = kAudioUnitManufacturer_Apple;
	AudioUnit unit = NULL;
	OSStatus status = AudioComponentInstanceNew(AudioComponentFindNext(NULL, &wanted), &unit);
	if (status == noErr) {
		_unit = unit;
		status = [self configure:unit];
		status = status ?: AudioUnitInitialize(unit);
		status = status ?: AudioOutputUnitStart(unit);
	}
	if (status == noErr) {
		return YES;
	}
	[self stop];
	if (error != NULL) {
		*error = [NSError errorWithDomain:NSOSStatusErrorDomain code:status userInfo:nil];
	}
	return NO;
}

- (void)stop {
	AudioUnit unit = (AudioUnit)_unit;
	if (unit == NULL) {
		return;
	}
	AudioOutputUnitStop(unit);
	AudioUnitUninitialize(unit);
	AudioComponentInstanceDispose(unit);
	_unit = NULL;
}

- (void)dealloc {
	[self stop];
#if !__has_feature(objc_arc)
	[_audio release];
	[_microphone release];
	[_loudspeaker release];
	[_captured release];
	[super dealloc];
#endif
}

@end

#endif
