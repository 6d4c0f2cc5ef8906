#import "support.h"

// A call with everything: sound, pictures, data, tones, hold, mute.

enum { period = 10, tail = 100 };

/// Plays the two audio threads: what alice says, what bob hears.
@interface Sound : NSObject {
	ParleyPCM *_microphone;
	ParleyPCM *_loudspeaker;
	NSData *_speech;
	NSMutableData *_heard;
	Events *_events;
}
- (id)initFrom:(User *)alice to:(User *)bob;
- (void)run:(id)unused;
- (void)await;
@end

@implementation Sound

- (id)initFrom:(User *)alice to:(User *)bob {
	self = [super init];
	if (self) {
		// Smaller than what is asked for at a time, so that pieces are tried too.
		NSUInteger capacity = 700;
		_microphone = [[ParleyPCM alloc] initWithAudio:[alice->client audio] capacity:capacity];
		_loudspeaker = [[ParleyPCM alloc] initWithAudio:[bob->client audio] capacity:capacity];
		_speech = [[NSData alloc] initWithContentsOfFile:env("PARLEY_SPEECH")];
		_heard = [[NSMutableData alloc] init];
		_events = [[Events alloc] init];
	}
	return self;
}

- (void)dealloc {
	[_microphone release];
	[_loudspeaker release];
	[_speech release];
	[_heard release];
	[_events release];
	[super dealloc];
}

- (void)run:(id)unused {
	NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
	NSUInteger size = period * (NSUInteger)ParleyMobileAudioBytesPerMillisecond;
	NSUInteger periods = [_speech length] / size;
	char buffer[size];
	NSDate *start = [NSDate date];
	NSString *failure = nil;
	for (NSUInteger i = 0; i < periods + tail && failure == nil; i++) {
		// A sound card's clock: it does not wait for anybody.
		[NSThread sleepUntilDate:[start dateByAddingTimeInterval:(double)i * period / 1000]];
		if (i < periods && ![_microphone write:(const char *)[_speech bytes] + i * size length:size]) {
			failure = @"the microphone was not taken";
		}
		if (![_loudspeaker read:buffer length:size]) {
			failure = @"nothing for the loudspeaker";
		}
		[_heard appendBytes:buffer length:size];
	}
	if (failure == nil && ![_heard writeToFile:env("PARLEY_HEARD") atomically:YES]) {
		failure = @"what was heard could not be written";
	}
	if ([_microphone write:buffer length:3] || [_loudspeaker read:buffer length:3]) {
		failure = @"half a sample was taken";
	}
	[_events tell:failure == nil ? @"done" : failure];
	[pool release];
}

- (void)await {
	[_events await:@"done"];
	NSUInteger loud = 0;
	const int16_t *samples = [_heard bytes];
	for (NSUInteger i = 0; i < [_heard length] / 2; i++) {
		loud += samples[i] > 1000 || samples[i] < -1000;
	}
	CHECK(loud > 1000, @"bob heard silence");
}

@end

/// Sends the frames of the folder and holds what arrives against them.
static void checkVideo(ParleyMobileCall *call, ParleyMobileCall *answer, User *alice, User *bob) {
	NSError *error = nil;
	ParleyMobileVideoSource *camera = [alice->client newVideoSource:ParleyMobileVideoCodecVP8 listener:alice error:&error];
	NO_ERROR(error);
	[call startVideo:camera error:&error];
	NO_ERROR(error);
	CHECK(![call startVideo:camera error:&error] && ParleyMobileErrorCode(error) == ParleyMobileErrorCodeTrackInUse, @"one camera twice");
	error = nil;
	NSString *folder = env("PARLEY_VIDEO");
	NSArray *names = [[[NSFileManager defaultManager] directoryContentsAtPath:folder] sortedArrayUsingSelector:@selector(compare:)];
	NSMutableArray *sent = [NSMutableArray array];
	NSDate *start = [NSDate date];
	int64_t n = 0;
	for (; ![bob->events has:@"frames 10"]; n++) {
		CHECK(n < 30 * 30, @"bob saw %lu frames in 30 s", (unsigned long)[[bob frames] count]);
		NSUInteger which = (NSUInteger)n % [names count];
		NSData *frame = [NSData dataWithContentsOfFile:[folder stringByAppendingPathComponent:[names objectAtIndex:which]]];
		// The first of the folder is a key frame, and whoever wants another one waits for it.
		int32_t result = [camera sendFrame:frame timestamp:n * 33333 keyFrame:which == 0];
		CHECK(result == ParleyMobileFrameSent || result == ParleyMobileFrameDropped, @"a frame gave %d", result);
		[sent addObject:frame];
		[NSThread sleepUntilDate:[start dateByAddingTimeInterval:(double)n / 30]];
	}
	CHECK([camera sendFrame:[NSData data] timestamp:0 keyFrame:YES] == -ParleyMobileErrorCodeInvalidArgument, @"an empty frame was taken");
	CHECK([[[bob frames] objectAtIndex:0] keyFrame], @"the first frame is no key frame");
	for (ParleyMobileVideoFrame *frame in [bob frames]) {
		CHECK([sent containsObject:[frame data]], @"bob saw a frame of %lu bytes that alice did not send", (unsigned long)[[frame data] length]);
		CHECK([frame codec] == ParleyMobileVideoCodecVP8, @"codec %d", [frame codec]);
	}
	// As an application whose decoder was made anew.
	int before = [alice asked];
	[answer requestKeyFrame:&error];
	NO_ERROR(error);
	[alice->events await:[NSString stringWithFormat:@"key frame requested %d", before + 1]];
	CHECK(![call requestKeyFrame:&error] && ParleyMobileErrorCode(error) == ParleyMobileErrorCodeNoSuchTrack, @"a key frame of no video: %@", error);
	error = nil;
	[call stopVideo:camera error:&error];
	NO_ERROR(error);
	[camera close];
	[camera close];
	CHECK([camera sendFrame:[sent objectAtIndex:0] timestamp:0 keyFrame:YES] == -ParleyMobileErrorCodeClosed, @"a closed camera takes frames");
	printf("ok video\n");
}

/// Sends a message of all 256 bytes, and tones.
static void checkData(ParleyMobileCall *call, User *bob) {
	NSError *error = nil;
	NSMutableData *all = [NSMutableData dataWithLength:4096];
	for (NSUInteger i = 0; i < [all length]; i++) {
		((unsigned char *)[all mutableBytes])[i] = (unsigned char)(i * 7 + i / 256);
	}
	NSData *message = [NSData dataWithData:all];
	ParleyMobileDataSender *sender = [call newDataSender:7 lossy:NO bitrate:0 error:&error];
	NO_ERROR(error);
	[sender send:all error:&error];
	NO_ERROR(error);
	// The library has its own copy.
	memset([all mutableBytes], 0, [all length]);
	[bob->events await:@"data"];
	ParleyMobileDataMessage *got = [bob->events object:@"data"];
	CHECK([[got data] isEqual:message], @"the message is another one");
	CHECK([got channelID] == 7 && [got sequence] == 1 && ![got lossy], @"channel %d, %lld", [got channelID], (long long)[got sequence]);
	CHECK(![sender send:[NSMutableData dataWithLength:(NSUInteger)ParleyMobileMaxDataMessageSize + 1] error:&error] &&
		ParleyMobileErrorCode(error) == ParleyMobileErrorCodeTooLarge, @"a message that is too large: %@", error);
	[sender close];
	error = nil;
	[call sendDTMF:@"1#" error:&error];
	NO_ERROR(error);
	[bob->events await:@"tone 1"];
	[bob->events await:@"tone #"];
	printf("ok data\n");
}

static void checkHoldAndMute(ParleyMobileCall *call, User *alice, User *bob) {
	NSError *error = nil;
	[call hold:&error];
	NO_ERROR(error);
	[bob->events await:@"call 6"]; // CallStateRemoteHold
	[call resume:&error];
	NO_ERROR(error);
	[call mute:&error];
	NO_ERROR(error);
	[alice->events await:@"muted 1 0"];
	[bob->events await:[NSString stringWithFormat:@"participant %@ %d", [alice identifier], ParleyMobileParticipantChangeMuted]];
	CHECK([call isMuted] && ![call isIncomingMuted], @"muted is not told");
	[call unmute:&error];
	NO_ERROR(error);
	printf("ok hold\n");
}

void checkCall(User *alice, User *bob) {
	NSError *error = nil;
	ParleyMobileCall *call = [alice->agent startCall:[bob identifier] options:[alice callOptions] listener:alice error:&error];
	NO_ERROR(error);
	[bob->events await:@"incoming"];
	[bob->events await:@"incoming from ALICE ☎ 🙂"];
	ParleyMobileIncomingCall *incoming = [bob->events object:@"incoming"];
	CHECK([[incoming id_] isEqualToString:[call id_]], @"another call rings");
	CHECK([[incoming callerID] isEqualToString:[alice identifier]], @"%@ calls", [incoming callerID]);
	ParleyMobileCall *answer = [incoming accept:[bob callOptions] listener:bob error:&error];
	NO_ERROR(error);
	[alice->events await:@"call 4"]; // CallStateConnected
	[bob->events await:@"call 4"];
	CHECK([call direction] == ParleyMobileCallDirectionOutgoing && [answer direction] == ParleyMobileCallDirectionIncoming, @"directions");
	CHECK([[alice->agent calls] len] == 1 && [[alice->agent calls] at:1] == nil, @"the list of calls");
	CHECK([[[[call participants] at:0] identifier] isEqualToString:[bob identifier]], @"who is in the call");

	Sound *sound = [[[Sound alloc] initFrom:alice to:bob] autorelease];
	[NSThread detachNewThreadSelector:@selector(run:) toTarget:sound withObject:nil];
	[sound await];
	printf("ok audio\n");
	checkVideo(call, answer, alice, bob);
	checkData(call, bob);
	checkHoldAndMute(call, alice, bob);
	CHECK([[call stats] hasPrefix:@"{"], @"statistics: %@", [call stats]);

	[call hangUp:&error];
	NO_ERROR(error);
	[alice->events await:@"call 9"]; // CallStateDisconnected
	[bob->events await:@"call 9"];
	CHECK([[call endReason] code] == 0 && [[answer endReason] code] == 0, @"ended with %d", [[call endReason] code]);
	CHECK(![call hold:&error] && ParleyMobileErrorCode(error) == ParleyMobileErrorCodeCallEnded, @"a call that has ended was held: %@", error);
	printf("ok call\n");
}
