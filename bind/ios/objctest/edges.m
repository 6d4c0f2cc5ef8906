#import "support.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>

// Bad input, errors both ways, references, many threads, the end.

/// Gives an error instead of a token.
@interface Refuses : NSObject <ParleyMobileTokenRefresher>
@end

@implementation Refuses
- (NSString *)refreshToken:(NSError **)error {
	*error = [NSError errorWithDomain:@"example" code:17
		userInfo:[NSDictionary dictionaryWithObject:@"no back end 🙂" forKey:NSLocalizedDescriptionKey]];
	return @"";
}
@end

/// Ends its agent from inside of its events, and throws nothing.
@interface Closes : NSObject <ParleyMobileCallAgentListener, ParleyMobileCallListener> {
@public
	ParleyMobileCallAgent *agent;
	Events *events;
}
@end

@implementation Closes
- (id)init {
	self = [super init];
	if (self) {
		events = [[Events alloc] init];
	}
	return self;
}
- (void)dealloc {
	[agent release];
	[events release];
	[super dealloc];
}
- (void)onIncomingCall:(ParleyMobileIncomingCall *)call {
}
- (void)onIncomingCallEnded:(ParleyMobileIncomingCall *)call reason:(ParleyMobileEndReason *)reason {
}
- (void)onConnectionStateChanged:(int32_t)state failure:(ParleyMobileFailure *)failure {
}
- (void)onCallStateChanged:(ParleyMobileCall *)call state:(int32_t)state {
	[agent close];
	[events tell:@"closed"];
}
- (void)onMediaStateChanged:(ParleyMobileCall *)call state:(int32_t)state {
}
- (void)onParticipantChanged:(ParleyMobileCall *)call participant:(ParleyMobileRemoteParticipant *)participant change:(int32_t)change {
}
- (void)onMutedChanged:(ParleyMobileCall *)call muted:(BOOL)muted incomingMuted:(BOOL)incomingMuted {
}
@end

static void expect(NSError *error, int32_t code, const char *what) {
	CHECK(error != nil, @"%s gave no error", what);
	CHECK(ParleyMobileErrorCode(error) == code, @"%s gave %d: %@", what, ParleyMobileErrorCode(error), [error localizedDescription]);
	CHECK([[error domain] isEqualToString:@"go"] && [error code] == 1, @"%s: %@ %ld", what, [error domain], (long)[error code]);
	CHECK([ParleyMobileFailureOf(error) code] == code, @"%s: the failure is another one", what);
}

void checkErrors(void) {
	NSError *error = nil;
	ParleyMobileClientOptions *options = [[[ParleyMobileClientOptions alloc] init] autorelease];
	CHECK(ParleyMobileNewClient(nil, &error) == nil, @"a client without options");
	expect(error, ParleyMobileErrorCodeInvalidArgument, "no options");
	[options setEndpoint:@"http://127.0.0.1:1"];
	CHECK(ParleyMobileNewClient(options, &error) == nil, @"a client over http");
	expect(error, ParleyMobileErrorCodeInvalidArgument, "plain http");
	CHECK(ParleyMobileNewCredential(@"no token", &error) == nil, @"a credential of nonsense");
	expect(error, ParleyMobileErrorCodeInvalidArgument, "a token that is none");
	// Nobody wants the error.
	CHECK(ParleyMobileNewCredential(nil, NULL) == nil, @"a credential of nothing");
	CHECK(ParleyMobileErrorCode(nil) == 0 && ParleyMobileFailureOf(nil) == nil, @"no error has a code");

	error = nil;
	ParleyMobileClient *client = ParleyMobileNewClient(clientOptions(), &error);
	NO_ERROR(error);
	CHECK([client newCallAgent:nil options:nil listener:nil error:&error] == nil, @"an agent without credential");
	expect(error, ParleyMobileErrorCodeInvalidArgument, "no credential");
	CHECK([client newVideoSource:99 listener:nil error:&error] == nil, @"codec 99");
	expect(error, ParleyMobileErrorCodeInvalidArgument, "codec 99");

	error = nil;
	ParleyMobileCredential *refused = ParleyMobileNewRefreshingCredential(@"", [[[Refuses alloc] init] autorelease], &error);
	NO_ERROR(error);
	CHECK([client newCallAgent:refused options:nil listener:nil error:&error] == nil, @"an agent without token");
	CHECK(error != nil && [[error localizedDescription] rangeOfString:@"no back end 🙂"].location != NSNotFound, @"the refresher's error is lost: %@", error);
	[refused close];

	ParleyMobileCanceler *canceler = ParleyMobileNewCanceler();
	[canceler cancel];
	ParleyMobileCallAgentOptions *agentOptions = [[[ParleyMobileCallAgentOptions alloc] init] autorelease];
	[agentOptions setCanceler:canceler];
	CHECK([client newCallAgent:credentialOf(@"ALICE") options:agentOptions listener:nil error:&error] == nil, @"canceled");
	expect(error, ParleyMobileErrorCodeCanceled, "a sign-in that was canceled");

	error = nil;
	Closes *closes = [[[Closes alloc] init] autorelease];
	closes->agent = [[client newCallAgent:credentialOf(@"ALICE") options:nil listener:closes error:&error] retain];
	NO_ERROR(error);
	CHECK([closes->agent startCall:@"nobody" options:nil listener:nil error:&error] == nil, @"called nobody");
	expect(error, ParleyMobileErrorCodeInvalidArgument, "nobody");
	// The listener closes the agent in the middle of the call's beginning.
	[closes->agent startCall:env("PARLEY_BOB_ID") options:nil listener:closes error:&error];
	[closes->events await:@"closed"];
	[client close];
	[client close];
	printf("ok errors\n");
}

/// An object that says when it is freed.
@interface Mortal : NSObject <ParleyMobileLogListener> {
@public
	Events *deaths;
}
@end

@implementation Mortal
- (void)onLog:(int32_t)level line:(NSString *)line {
}
- (void)dealloc {
	[deaths tell:@"freed"];
	[super dealloc];
}
@end

/// Close lets go of a listener although the client is still there.
void checkReferences(void) {
	Events *deaths = [[[Events alloc] init] autorelease];
	NSError *error = nil;
	NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
	Mortal *listener = [[Mortal alloc] init];
	listener->deaths = deaths;
	ParleyMobileClientOptions *options = clientOptions();
	[options setLog:listener];
	ParleyMobileClient *client = [ParleyMobileNewClient(options, &error) retain];
	[options setLog:nil];
	[listener release];
	[pool release];
	NO_ERROR(error);
	CHECK(![deaths has:@"freed"], @"the listener is gone while it is in use");
	[client close];
	// Go's collector runs when there is something to collect.
	for (int i = 0; i < 2000 && ![deaths has:@"freed"]; i++) {
		NSAutoreleasePool *inner = [[NSAutoreleasePool alloc] init];
		ParleyMobileNewClient(clientOptions(), NULL);
		[inner release];
	}
	CHECK([deaths has:@"freed"], @"Close has not let go of the listener");
	[client release];
	printf("ok references\n");
}

/// What the threads of checkThreads call.
static User *threadAlice;
static ParleyMobileCall *threadCall;

static void *callsAtOnce(void *number) {
	NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
	long n = (long)number;
	NSError *error = nil;
	NSMutableData *data = [NSMutableData dataWithLength:960];
	ParleyMobileAudio *audio = [threadAlice->client audio];
	long wrong = ParleyMobileNewCredential(@"no token", NULL) != nil;
	switch (n % 10) {
	case 0: [threadCall mute:&error]; break;
	case 1: [threadCall unmute:&error]; break;
	case 2: [threadCall sendDTMF:@"1" error:&error]; break;
	case 3: wrong += [[threadCall stats] length] == 0; break;
	case 4: [[[threadCall participants] at:0] isSpeaking]; break;
	case 5: [[threadCall newDataSender:0 lossy:YES bitrate:0 error:&error] close]; break;
	case 6: [threadAlice->client networkChanged]; break;
	// Without an object, of a client that is closed by now, it is 0.
	case 7: wrong += audio != nil && [audio readPCM:data] != 960; break;
	case 8: wrong += audio != nil && [audio writePCM:data] != 960; break;
	default: [[threadAlice->agent calls] at:0];
	}
	if (n == 700) {
		[threadAlice->client close];
	}
	int32_t code = ParleyMobileErrorCode(error);
	wrong += code == ParleyMobileErrorCodeInternal || code == ParleyMobileErrorCodeUnknown;
	[pool release];
	return (void *)wrong;
}

/// A thousand threads that Go has never seen call everything of a call, and one of
/// them closes the client.
void checkThreads(void) {
	enum { count = 1000 };
	static pthread_t threads[count];
	NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
	NSError *error = nil;
	User *bob = [[[User alloc] initWithName:@"BOB"] autorelease];
	threadAlice = [[[User alloc] initWithName:@"ALICE"] autorelease];
	[threadAlice signIn];
	[bob signIn];
	threadCall = [threadAlice->agent startCall:[bob identifier] options:nil listener:threadAlice error:&error];
	NO_ERROR(error);
	[bob->events await:@"incoming"];
	[[bob->events object:@"incoming"] accept:nil listener:bob error:&error];
	NO_ERROR(error);
	[threadAlice->events await:@"call 4"]; // CallStateConnected
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 256 << 10);
	for (long i = 0; i < count; i++) {
		CHECK(pthread_create(&threads[i], &small, callsAtOnce, (void *)i) == 0, @"thread %ld could not be made", i);
	}
	long wrong = 0;
	for (int i = 0; i < count; i++) {
		void *result = NULL;
		pthread_join(threads[i], &result);
		wrong += (long)result;
	}
	pthread_attr_destroy(&small);
	CHECK(wrong == 0, @"%ld calls went wrong", wrong);
	// The network "changed" a hundred times: bob need not have heard of the end yet.
	[bob->client close];
	[pool release];
	printf("ok threads\n");
}

static long entries(const char *path) {
	DIR *folder = opendir(path);
	long count = -2; // "." and ".."
	while (folder != NULL && readdir(folder) != NULL) {
		count++;
	}
	if (folder != NULL) {
		closedir(folder);
	}
	return count;
}

/// What a call has opened is closed within some seconds after its end: looks until
/// nothing was closed for three seconds, and has memory that nobody needs given
/// back, so that the rest is what stays.
static void settle(ParleyMobileClient *client) {
	long least = LONG_MAX;
	for (int quiet = 0, looks = 0; quiet < 30 && looks < 600; looks++) {
		long open = entries("/proc/self/fd");
#ifdef PARLEY_PROBE
		open += (long)parleyGoroutines();
#endif
		quiet = open < least ? 0 : quiet + 1;
		least = MIN(least, open);
		[NSThread sleepForTimeInterval:0.1];
	}
	[client lowMemory];
}

/// Many calls in a row leave nothing behind: threads, files, memory.
void checkFlat(void) {
	NSAutoreleasePool *outer = [[NSAutoreleasePool alloc] init];
	User *alice = [[[User alloc] initWithName:@"ALICE"] autorelease];
	User *bob = [[[User alloc] initWithName:@"BOB"] autorelease];
	[alice signIn];
	[bob signIn];
	int calls = [env("PARLEY_CALLS") intValue], done = 0;
	enum { quantities = 5 };
	long first[quantities] = {0}, last[quantities] = {0};
	for (int i = 1; i <= calls; i++) {
		NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
		// Fresh notes for each call.
		Events *hers = alice->events, *his = bob->events;
		alice->events = [[Events alloc] init];
		bob->events = [[Events alloc] init];
		[hers release];
		[his release];
		NSError *error = nil;
		ParleyMobileCall *call = [alice->agent startCall:[bob identifier] options:[alice callOptions] listener:alice error:&error];
		NO_ERROR(error);
		[bob->events await:@"incoming"];
		[[bob->events object:@"incoming"] accept:[bob callOptions] listener:bob error:&error];
		NO_ERROR(error);
		[alice->events await:@"call 4"];
		[bob->events await:@"call 4"];
		[call hangUp:&error];
		NO_ERROR(error);
		[alice->events await:@"call 9"];
		[bob->events await:@"call 9"];
		[pool release];
		done++;
		if (i == (calls + 9) / 10 || i == calls) {
			settle(alice->client);
			long now[quantities] = {entries("/proc/self/task"), entries("/proc/self/fd")};
			FILE *status = fopen("/proc/self/statm", "r");
			long size = 0;
			if (status != NULL) {
				CHECK(fscanf(status, "%ld %ld", &size, &now[2]) == 2, @"/proc/self/statm");
				fclose(status);
			}
#ifdef PARLEY_PROBE
			now[3] = (long)(parleyGoHeap() >> 10);
			now[4] = (long)parleyGoroutines();
#endif
			memcpy(i == calls ? last : first, now, sizeof(now));
			if (calls < 10) {
				memcpy(first, now, sizeof(now));
			}
		}
	}
	printf("calls %d\n", done);
	printf("flat threads %ld %ld\n", first[0], last[0]);
	printf("flat files %ld %ld\n", first[1], last[1]);
	printf("flat memory-pages %ld %ld\n", first[2], last[2]);
	printf("flat go-heap-kB %ld %ld\n", first[3], last[3]);
	printf("flat goroutines %ld %ld\n", first[4], last[4]);
	[alice->client close];
	[bob->client close];
	[outer release];
}

void checkClose(User *alice, User *bob) {
	NSError *error = nil;
	[alice->agent close];
	[alice->agent close];
	CHECK([alice->agent startCall:[bob identifier] options:nil listener:nil error:&error] == nil, @"a closed agent calls");
	expect(error, ParleyMobileErrorCodeClosed, "a closed agent");
	[alice->client close];
	[alice->client close];
	CHECK([alice->client newCallAgent:credentialOf(@"ALICE") options:nil listener:nil error:&error] == nil, @"a closed client signs in");
	expect(error, ParleyMobileErrorCodeClosed, "a closed client");
	error = nil;
	[bob->client shutdown:&error];
	NO_ERROR(error);
	CHECK([[bob->agent calls] len] == 0 && [[bob->agent incomingCalls] at:0] == nil, @"calls after the end");
	printf("ok close\n");
}
