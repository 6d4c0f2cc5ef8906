#import "ParleyPCM.h"

#include <string.h>

#if __has_include(<ParleyCore/ParleyMobile.objc.h>)
#import <ParleyCore/ParleyMobile.objc.h>
#else
#import "ParleyMobile.objc.h"
#endif

// The test on Linux has no ARC.
#if __has_feature(objc_arc)
#define PARLEY_RETAIN(object) (object)
#else
#define PARLEY_RETAIN(object) [(object) retain]
#endif

@implementation ParleyPCM

- (nullable instancetype)initWithAudio:(nonnull ParleyMobileAudio *)audio capacity:(NSUInteger)capacity {
	self = [super init];
	if (self) {
		_audio = PARLEY_RETAIN(audio);
		_capacity = capacity < 2 ? 2 : capacity / 2 * 2;
		_buffer = [[NSMutableData alloc] initWithLength:_capacity];
	}
	return self;
}

- (BOOL)read:(nonnull void *)memory length:(NSUInteger)length {
	if (length % 2 != 0) {
		memset(memory, 0, length);
		return NO;
	}
	for (NSUInteger done = 0; done < length;) {
		NSUInteger piece = MIN(_capacity, length - done);
		// Within the capacity a mutable data keeps its memory.
		[_buffer setLength:piece];
		if ([_audio readPCM:_buffer] != (int32_t)piece) {
			memset((char *)memory + done, 0, length - done);
			return NO;
		}
		memcpy((char *)memory + done, [_buffer bytes], piece);
		done += piece;
	}
	return YES;
}

- (BOOL)write:(nonnull const void *)memory length:(NSUInteger)length {
	if (length % 2 != 0) {
		return NO;
	}
	for (NSUInteger done = 0; done < length;) {
		NSUInteger piece = MIN(_capacity, length - done);
		[_buffer setLength:piece];
		memcpy([_buffer mutableBytes], (const char *)memory + done, piece);
		if ([_audio writePCM:_buffer] != (int32_t)piece) {
			return NO;
		}
		done += piece;
	}
	return YES;
}

#if !__has_feature(objc_arc)
- (void)dealloc {
	[_audio release];
	[_buffer release];
	[super dealloc];
}
#endif

@end
