// What the checks of this program share.

#import <Foundation/Foundation.h>

#import "ParleyMobile.objc.h"
#import "ParleyPCM.h"

/// Ends a check with a reason.
#define CHECK(condition, ...)                                                   \
	do {                                                                        \
		if (!(condition)) {                                                     \
			[NSException raise:@"Check" format:__VA_ARGS__];                    \
		}                                                                       \
	} while (0)

/// Ends a check when a method has given an error.
#define NO_ERROR(error) CHECK((error) == nil, @"line %d: %@", __LINE__, [(error) localizedDescription])

/// Environment of the test, see test/bind/README.md.
NSString *env(const char *name);

/// What listeners have told, one line an event, and who waits for it.
@interface Events : NSObject {
	NSCondition *_condition;
	NSMutableArray *_lines;
	NSMutableDictionary *_objects;
}
- (void)tell:(NSString *)line;
- (void)tell:(NSString *)line object:(id)object;
/// Waits until a line was told; ends the check when it does not come in 30 s.
- (void)await:(NSString *)line;
- (BOOL)has:(NSString *)line;
/// The newest object that came with a line.
- (id)object:(NSString *)line;
@end

/// One user: a client with the listeners of all kinds, whose lines go to events.
@interface User : NSObject <ParleyMobileCallAgentListener, ParleyMobileCallListener, ParleyMobileCallDataListener,
	ParleyMobileVideoListener, ParleyMobileVideoSourceListener, ParleyMobileChatListener, ParleyMobileChatStateListener> {
	NSString *_name;
	NSMutableArray *_frames;
	int _asked; // for key frames
@public
	Events *events;
	ParleyMobileClient *client;
	ParleyMobileCallAgent *agent;
}
- (id)initWithName:(NSString *)name;
/// Signs in.
- (void)signIn;
- (ParleyMobileCallOptions *)callOptions;
- (NSString *)identifier;
/// Frames of video that came.
- (NSArray *)frames;
/// How often a key frame was requested; each tells "key frame requested N".
- (int)asked;
@end

/// Options of a client for the service of the test.
ParleyMobileClientOptions *clientOptions(void);
/// A credential of a user of the test, "ALICE" or "BOB".
ParleyMobileCredential *credentialOf(NSString *name);

#ifdef PARLEY_PROBE
// Of probe.go.txt and voice.m, on Linux only.
int64_t parleyGoHeap(void);
int64_t parleyGoroutines(void);
void checkVoiceUnit(void);
#endif

// The checks.
void checkCall(User *alice, User *bob);
void checkChat(User *alice, User *bob);
void checkErrors(void);
void checkMisuse(void);
void checkReferences(void);
void checkThreads(void);
void checkFlat(void);
void checkClose(User *alice, User *bob);
