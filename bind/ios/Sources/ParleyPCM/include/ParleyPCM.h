// Audio between the memory of an audio unit and the library, without copies of
// Foundation in between: Swift hands a Data to Objective-C as an immutable NSData,
// of which gobind makes a copy, so that nothing that is read would arrive.

#import <Foundation/Foundation.h>

@class ParleyMobileAudio;

/// A buffer of one audio thread. Made before the thread runs; its methods
/// allocate nothing and wait for nothing.
@interface ParleyPCM : NSObject {
@private
	ParleyMobileAudio *_audio;
	NSMutableData *_buffer;
	NSUInteger _capacity;
}

/// Makes a buffer for at most capacity bytes at a time.
- (nullable instancetype)initWithAudio:(nonnull ParleyMobileAudio *)audio capacity:(NSUInteger)capacity;

/// Fills memory with what the loudspeaker is to play: 16 bit samples, mono,
/// ParleyMobileAudioSampleRate a second. More than the capacity is done in
/// pieces. Returns NO, and silence, for an odd number of bytes.
- (BOOL)read:(nonnull void *)memory length:(NSUInteger)length;

/// Gives the library what the microphone has captured, in the same form.
/// Returns NO for an odd number of bytes.
- (BOOL)write:(nonnull const void *)memory length:(NSUInteger)length;

@end
