// The phone's voice-processing unit (echo canceller, microphone and loudspeaker in
// one) between its audio thread and the library. In C and Objective-C, because what
// runs on that thread must neither allocate nor wait, which Swift does not promise.

#import <Foundation/Foundation.h>

#if __has_include(<ParleyCore/ParleyMobile.objc.h>)
#import <ParleyCore/ParleyMobile.objc.h>
#else
@class ParleyMobileAudio;
#endif

@class ParleyPCM;

/// One voice-processing unit. One thread starts and stops it.
@interface ParleyVoiceUnit : NSObject {
@private
	ParleyMobileAudio *_audio;
	ParleyPCM *_microphone;
	ParleyPCM *_loudspeaker;
	NSMutableData *_captured;
	void *_unit;
}

/// Makes one that is stopped.
- (nullable instancetype)initWithAudio:(nonnull ParleyMobileAudio *)audio;

/// Starts capturing and playing; the audio session is active. The unit converts
/// between the hardware's rate and the library's. Started already, it begins anew.
/// The error is the system's, with its status as the code.
- (BOOL)start:(NSError *_Nullable *_Nullable)error;

/// Stops capturing and playing; returns when the audio thread is done. Stopped
/// already, it does nothing.
- (void)stop;

@end
