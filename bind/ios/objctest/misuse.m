#import "support.h"

#include <objc/runtime.h>

// What an application must not do, done: nothing for every argument, objects
// that nobody made, calls after Close, listeners that throw, that call back, that
// are closed and freed while something is delivered to them.

/// Calls every method of an object with arguments that are nothing, those last
/// that end it, and returns the code of each error by the method's name.
static NSDictionary *everyMethod(id object) {
	NSMutableDictionary *codes = [NSMutableDictionary dictionary];
	NSMutableArray *names = [NSMutableArray array];
	NSArray *last = [NSArray arrayWithObjects:@"reject:error:", @"hangUp:", @"shutdown:", @"close", nil];
	unsigned int count = 0;
	Method *methods = class_copyMethodList([object class], &count);
	for (unsigned int i = 0; i < count; i++) {
		[names addObject:NSStringFromSelector(method_getName(methods[i]))];
	}
	free(methods);
	[names sortUsingSelector:@selector(compare:)];
	for (NSString *name in last) {
		if ([names containsObject:name]) {
			[names removeObject:name];
			[names addObject:name];
		}
	}
	for (NSString *name in names) {
		// Those of the class itself, and the reference.
		if ([name hasPrefix:@"init"] || [name hasPrefix:@"_"] || [name hasPrefix:@"."] || [name isEqualToString:@"dealloc"]) {
			continue;
		}
		NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
		SEL selector = NSSelectorFromString(name);
		NSMethodSignature *signature = [object methodSignatureForSelector:selector];
		NSInvocation *invocation = [NSInvocation invocationWithMethodSignature:signature];
		[invocation setTarget:object];
		[invocation setSelector:selector];
		NSError *error = nil;
		NSError **place = &error;
		int64_t nothing = 0;
		for (NSUInteger n = 2; n < [signature numberOfArguments]; n++) {
			BOOL isError = [signature getArgumentTypeAtIndex:n][0] == '^';
			[invocation setArgument:isError ? (void *)&place : (void *)&nothing atIndex:(NSInteger)n];
		}
		@try {
			[invocation invoke];
		} @catch (NSException *exception) {
			CHECK(NO, @"%@ %@ has thrown %@", NSStringFromClass([object class]), name, [exception reason]);
		}
		int32_t code = ParleyMobileErrorCode(error);
		[codes setObject:[NSNumber numberWithInt:code] forKey:name];
		[pool release];
	}
	return codes;
}

/// Fails for a code that is not among those allowed, which end with -1.
static NSUInteger allow(id object, const int32_t *allowed) {
	NSDictionary *codes = everyMethod(object);
	for (NSString *name in codes) {
		int32_t code = [[codes objectForKey:name] intValue];
		BOOL found = NO;
		for (const int32_t *a = allowed; *a >= 0 && !found; a++) {
			found = *a == code;
		}
		CHECK(found, @"%@ %@ gave %d", NSStringFromClass([object class]), name, code);
	}
	return [codes count];
}

/// Objects that nobody made count as closed.
static void checkNobodyMade(void) {
	const int32_t allowed[] = {0, ParleyMobileErrorCodeClosed, ParleyMobileErrorCodeInvalidArgument, -1};
	int all = objc_getClassList(NULL, 0);
	Class *classes = calloc((size_t)all, sizeof(Class));
	all = objc_getClassList(classes, all);
	IMP inherited = [NSObject instanceMethodForSelector:@selector(init)];
	NSUInteger made = 0, called = 0;
	for (int i = 0; i < all; i++) {
		NSString *name = NSStringFromClass(classes[i]);
		// The compiler refuses to make what has no init of its own (tools/harden.py).
		if (![name hasPrefix:@"ParleyMobile"] || [classes[i] instanceMethodForSelector:@selector(init)] == inherited) {
			continue;
		}
		NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
		called += allow([[[classes[i] alloc] init] autorelease], allowed);
		made++;
		[pool release];
	}
	free(classes);
	CHECK(made > 40 && called > 200, @"only %lu methods of %lu classes", (unsigned long)called, (unsigned long)made);
}

/// One of everything, with a call that goes on.
static NSArray *everything(User *alice, User *bob) {
	NSError *error = nil;
	[alice signIn];
	[bob signIn];
	ParleyMobileCall *call = [alice->agent startCall:[bob identifier] options:[alice callOptions] listener:alice error:&error];
	NO_ERROR(error);
	[bob->events await:@"incoming"];
	ParleyMobileIncomingCall *incoming = [bob->events object:@"incoming"];
	[incoming accept:[bob callOptions] listener:bob error:&error];
	NO_ERROR(error);
	[alice->events await:@"call 4"]; // CallStateConnected
	ParleyMobileVideoSource *camera = [alice->client newVideoSource:ParleyMobileVideoCodecVP8 listener:nil error:&error];
	NO_ERROR(error);
	ParleyMobileDataSender *sender = [call newDataSender:0 lossy:YES bitrate:0 error:&error];
	NO_ERROR(error);
	ParleyMobileChatClient *chat = [alice->client newChatClient:credentialOf(@"ALICE") options:nil listener:alice states:alice error:&error];
	NO_ERROR(error);
	[chat start:&error];
	NO_ERROR(error);
	ParleyMobileChatThread *thread = [chat thread:env("PARLEY_THREAD") error:&error];
	NO_ERROR(error);
	ParleyMobileOutbox *outbox = [chat openOutbox:[env("PARLEY_DIR") stringByAppendingPathComponent:@"misused"] listener:nil error:&error];
	NO_ERROR(error);
	// What ends the others comes last.
	return [NSArray arrayWithObjects:[[call participants] at:0], [call participants], [alice->agent calls], [alice->client audio], sender, camera,
		[thread messages], [thread participants], [thread readReceipts], [chat threads], thread, incoming, call, outbox, chat,
		alice->agent, alice->client, nil];
}

/// Nothing for every argument, before and after Close.
static void checkNothing(void) {
	NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
	User *alice = [[[User alloc] initWithName:@"ALICE"] autorelease];
	User *bob = [[[User alloc] initWithName:@"BOB"] autorelease];
	NSArray *objects = everything(alice, bob);
	for (id object in objects) {
		NSDictionary *codes = everyMethod(object);
		for (NSString *name in codes) {
			int32_t code = [[codes objectForKey:name] intValue];
			CHECK(code >= 0 && code != ParleyMobileErrorCodeInternal && code != ParleyMobileErrorCodeUnknown,
				@"%@ %@ with nothing gave %d", NSStringFromClass([object class]), name, code);
		}
	}
	const int32_t ended[] = {0, ParleyMobileErrorCodeClosed, ParleyMobileErrorCodeCallEnded, ParleyMobileErrorCodeInvalidArgument, -1};
	for (int twice = 0; twice < 2; twice++) {
		[alice->client close];
		[bob->client close];
		for (id object in objects) {
			allow(object, ended);
		}
	}
	[pool release];
}

/// A user whose listeners throw, whatever they are told.
@interface Throws : User
@end

#define THROWS(...)                                                                 \
	{                                                                               \
		[super __VA_ARGS__];                                                        \
		[NSException raise:@"Careless" format:@"%@", NSStringFromSelector(_cmd)];   \
	}

@implementation Throws
- (void)onIncomingCall:(ParleyMobileIncomingCall *)call THROWS(onIncomingCall:call)
- (void)onConnectionStateChanged:(int32_t)state failure:(ParleyMobileFailure *)failure THROWS(onConnectionStateChanged:state failure:failure)
- (void)onCallStateChanged:(ParleyMobileCall *)call state:(int32_t)state THROWS(onCallStateChanged:call state:state)
- (void)onMediaStateChanged:(ParleyMobileCall *)call state:(int32_t)state {
	[super onMediaStateChanged:call state:state];
	// Objective-C lets anything be thrown.
	@throw @"no exception";
}
- (void)onParticipantChanged:(ParleyMobileCall *)call participant:(ParleyMobileRemoteParticipant *)participant change:(int32_t)change
	THROWS(onParticipantChanged:call participant:participant change:change)
- (void)onMutedChanged:(ParleyMobileCall *)call muted:(BOOL)muted incomingMuted:(BOOL)incomingMuted
	THROWS(onMutedChanged:call muted:muted incomingMuted:incomingMuted)
- (void)onDataReceived:(ParleyMobileCall *)call message:(ParleyMobileDataMessage *)message THROWS(onDataReceived:call message:message)
- (void)onKeyFrameRequested THROWS(onKeyFrameRequested)
- (void)onMessage:(ParleyMobileChatMessageEvent *)event change:(int32_t)change THROWS(onMessage:event change:change)
- (void)onChatConnectionChanged:(int32_t)state failure:(ParleyMobileFailure *)failure THROWS(onChatConnectionChanged:state failure:failure)
@end

/// Throws instead of a token.
@interface ThrowsInstead : NSObject <ParleyMobileTokenRefresher>
@end

@implementation ThrowsInstead
- (NSString *)refreshToken:(NSError **)error {
	[NSException raise:@"Careless" format:@"no back end 🙂"];
	return @"";
}
@end

/// What a listener throws harms nothing; what a refresher throws is the error.
static void checkThrows(void) {
	NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
	NSError *error = nil;
	User *alice = [[[Throws alloc] initWithName:@"ALICE"] autorelease];
	User *bob = [[[Throws alloc] initWithName:@"BOB"] autorelease];
	everything(alice, bob);
	ParleyMobileCall *call = [[alice->agent calls] at:0];
	ParleyMobileDataSender *sender = [call newDataSender:7 lossy:NO bitrate:0 error:&error];
	NO_ERROR(error);
	[sender send:[NSData dataWithBytes:"x" length:1] error:&error];
	NO_ERROR(error);
	[bob->events await:@"data"];
	[call mute:&error];
	NO_ERROR(error);
	[alice->events await:@"muted 1 0"];
	[call hangUp:&error];
	NO_ERROR(error);
	[alice->events await:@"call 9"]; // CallStateDisconnected
	[bob->events await:@"call 9"];
	[alice->client close];
	[bob->client close];

	ThrowsInstead *careless = [[[ThrowsInstead alloc] init] autorelease];
	ParleyMobileClient *client = ParleyMobileNewClient(clientOptions(), &error);
	NO_ERROR(error);
	ParleyMobileCredential *credential = ParleyMobileNewRefreshingCredential(@"", careless, &error);
	NO_ERROR(error);
	CHECK([client newCallAgent:credential options:nil listener:nil error:&error] == nil, @"an agent without token");
	CHECK(ParleyMobileErrorCode(error) == ParleyMobileErrorCodeUnauthorized &&
		[[error localizedDescription] rangeOfString:@"no back end 🙂"].location != NSNotFound, @"what the refresher has thrown is lost: %@", error);
	[credential close];
	[client close];
	[pool release];
}

/// A user who does everything inside of its listeners.
@interface CallsBack : User
@end

@implementation CallsBack
- (void)onIncomingCall:(ParleyMobileIncomingCall *)call {
	NSError *error = nil;
	[call accept:[self callOptions] listener:self error:&error];
	[events tell:error == nil ? @"accepted" : [error localizedDescription]];
}
- (void)onCallStateChanged:(ParleyMobileCall *)call state:(int32_t)state {
	NSError *error = nil;
	[super onCallStateChanged:call state:state];
	if (state == ParleyMobileCallStateConnected) {
		CHECK([[call stats] length] > 0 && [[call participants] len] == 1, @"nothing is told of the call");
		[call mute:&error];
		if (error == nil) {
			[call hangUp:&error];
		}
		[events tell:error == nil ? @"hung up" : [error localizedDescription]];
	}
	if (state == ParleyMobileCallStateDisconnected) {
		everyMethod(call);
		everyMethod(agent);
		[client close];
		[client close];
		[events tell:@"closed"];
	}
}
@end

static void checkCallsBack(void) {
	NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
	NSError *error = nil;
	User *alice = [[[CallsBack alloc] initWithName:@"ALICE"] autorelease];
	User *bob = [[[CallsBack alloc] initWithName:@"BOB"] autorelease];
	[alice signIn];
	[bob signIn];
	[alice->agent startCall:[bob identifier] options:nil listener:alice error:&error];
	NO_ERROR(error);
	[bob->events await:@"accepted"];
	[alice->events await:@"closed"];
	[bob->events await:@"closed"];
	// One of them was first; the other's call had ended, or it had hung up as well.
	CHECK([alice->events has:@"hung up"] || [bob->events has:@"hung up"], @"nobody has hung up");
	[pool release];
}

/// A listener that stays in a delivery until it is told to go on.
@interface Slow : User {
@public
	Events *outside;
}
@end

@implementation Slow
- (void)onIncomingCall:(ParleyMobileIncomingCall *)call {
	[outside tell:@"inside"];
	[outside await:@"go on"];
	// Nobody else has this object any more, and its client is closed.
	NSError *error = nil;
	BOOL accepted = [call accept:nil listener:self error:&error] != nil;
	[outside tell:[NSString stringWithFormat:@"accepted %d, %d", accepted, ParleyMobileErrorCode(error)]];
}
- (void)dealloc {
	[outside tell:@"freed"];
	[super dealloc];
}
@end

/// A listener that the application closes and lets go of in the middle of a
/// delivery lives until the delivery is over, and is freed then.
static void checkFreed(void) {
	NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
	NSError *error = nil;
	Events *outside = [[[Events alloc] init] autorelease];
	User *alice = [[[User alloc] initWithName:@"ALICE"] autorelease];
	[alice signIn];
	NSAutoreleasePool *inner = [[NSAutoreleasePool alloc] init];
	Slow *slow = [[Slow alloc] initWithName:@"BOB"];
	slow->outside = outside;
	[slow signIn];
	ParleyMobileClient *client = [slow->client retain];
	[alice->agent startCall:[slow identifier] options:nil listener:nil error:&error];
	NO_ERROR(error);
	[outside await:@"inside"];
	[client close];
	[slow release];
	[inner release];
	CHECK(![outside has:@"freed"], @"a listener is gone while something is delivered to it");
	[outside tell:@"go on"];
	[outside await:[NSString stringWithFormat:@"accepted 0, %d", ParleyMobileErrorCodeClosed]];
	// Go's collector runs when there is something to collect.
	for (int i = 0; i < 2000 && ![outside has:@"freed"]; i++) {
		NSAutoreleasePool *each = [[NSAutoreleasePool alloc] init];
		[client lowMemory];
		[each release];
	}
	CHECK([outside has:@"freed"], @"a closed client keeps its listener");
	[client release];
	[alice->client close];
	[pool release];
}

void checkMisuse(void) {
	checkNobodyMade();
	checkNothing();
	printf("ok nothing\n");
	checkThrows();
	printf("ok throws\n");
	checkCallsBack();
	printf("ok calls back\n");
	checkFreed();
	printf("ok freed\n");
}
