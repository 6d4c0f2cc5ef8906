#import "support.h"

#include <stdlib.h>

NSString *env(const char *name) {
	const char *value = getenv(name);
	CHECK(value != NULL, @"%s is not set", name);
	return [NSString stringWithUTF8String:value];
}

@implementation Events

- (id)init {
	self = [super init];
	if (self) {
		_condition = [[NSCondition alloc] init];
		_lines = [[NSMutableArray alloc] init];
		_objects = [[NSMutableDictionary alloc] init];
	}
	return self;
}

- (void)dealloc {
	[_condition release];
	[_lines release];
	[_objects release];
	[super dealloc];
}

- (void)tell:(NSString *)line {
	[self tell:line object:nil];
}

- (void)tell:(NSString *)line object:(id)object {
	[_condition lock];
	[_lines addObject:line];
	if (object != nil) {
		[_objects setObject:object forKey:line];
	}
	[_condition broadcast];
	[_condition unlock];
}

- (void)await:(NSString *)line {
	NSDate *until = [NSDate dateWithTimeIntervalSinceNow:30];
	[_condition lock];
	BOOL there = [_lines containsObject:line];
	while (!there && [_condition waitUntilDate:until]) {
		there = [_lines containsObject:line];
	}
	NSString *all = [_lines componentsJoinedByString:@", "];
	[_condition unlock];
	CHECK(there, @"\"%@\" did not come, but %@", line, all);
}

- (BOOL)has:(NSString *)line {
	[_condition lock];
	BOOL there = [_lines containsObject:line];
	[_condition unlock];
	return there;
}

- (id)object:(NSString *)line {
	[_condition lock];
	id object = [[[_objects objectForKey:line] retain] autorelease];
	[_condition unlock];
	return object;
}

@end

ParleyMobileClientOptions *clientOptions(void) {
	ParleyMobileClientOptions *options = [[[ParleyMobileClientOptions alloc] init] autorelease];
	[options setEndpoint:env("PARLEY_ENDPOINT")];
	[options setRootCertificates:[NSString stringWithContentsOfFile:env("PARLEY_CA")]];
	return options;
}

ParleyMobileCredential *credentialOf(NSString *name) {
	NSError *error = nil;
	NSString *variable = [NSString stringWithFormat:@"PARLEY_%@_TOKEN", name];
	ParleyMobileCredential *credential = ParleyMobileNewCredential(env([variable UTF8String]), &error);
	NO_ERROR(error);
	return credential;
}

@implementation User

- (id)initWithName:(NSString *)name {
	self = [super init];
	if (self) {
		_name = [name copy];
		_frames = [[NSMutableArray alloc] init];
		events = [[Events alloc] init];
	}
	return self;
}

- (void)dealloc {
	[_name release];
	[_frames release];
	[events release];
	[agent release];
	[client release];
	[super dealloc];
}

- (void)signIn {
	NSError *error = nil;
	client = [ParleyMobileNewClient(clientOptions(), &error) retain];
	NO_ERROR(error);
	ParleyMobileCallAgentOptions *options = [[[ParleyMobileCallAgentOptions alloc] init] autorelease];
	[options setDisplayName:[NSString stringWithFormat:@"%@ ☎ 🙂", _name]];
	agent = [[client newCallAgent:credentialOf(_name) options:options listener:self error:&error] retain];
	NO_ERROR(error);
	CHECK([[agent identifier] isEqualToString:[self identifier]], @"%@ is signed in as %@", _name, [agent identifier]);
}

- (NSString *)identifier {
	return env([[NSString stringWithFormat:@"PARLEY_%@_ID", _name] UTF8String]);
}

- (ParleyMobileCallOptions *)callOptions {
	ParleyMobileCallOptions *options = [[[ParleyMobileCallOptions alloc] init] autorelease];
	[options setVideo:self];
	[options setData:self];
	return options;
}

- (NSArray *)frames {
	@synchronized(_frames) {
		return [NSArray arrayWithArray:_frames];
	}
}

// CallAgentListener

- (void)onIncomingCall:(ParleyMobileIncomingCall *)call {
	[events tell:@"incoming" object:call];
	[events tell:[@"incoming from " stringByAppendingString:[call callerDisplayName]]];
}

- (void)onIncomingCallEnded:(ParleyMobileIncomingCall *)call reason:(ParleyMobileEndReason *)reason {
	[events tell:[NSString stringWithFormat:@"incoming ended %d/%d", [reason code], [reason subcode]]];
}

- (void)onConnectionStateChanged:(int32_t)state failure:(ParleyMobileFailure *)failure {
	[events tell:[NSString stringWithFormat:@"connection %d", state]];
}

// CallListener

- (void)onCallStateChanged:(ParleyMobileCall *)call state:(int32_t)state {
	[events tell:[NSString stringWithFormat:@"call %d", state] object:call];
}

- (void)onMediaStateChanged:(ParleyMobileCall *)call state:(int32_t)state {
	[events tell:[NSString stringWithFormat:@"media %d", state]];
}

- (void)onParticipantChanged:(ParleyMobileCall *)call participant:(ParleyMobileRemoteParticipant *)participant change:(int32_t)change {
	[events tell:[NSString stringWithFormat:@"participant %@ %d", [participant identifier], change]];
}

- (void)onMutedChanged:(ParleyMobileCall *)call muted:(BOOL)muted incomingMuted:(BOOL)incomingMuted {
	[events tell:[NSString stringWithFormat:@"muted %d %d", muted, incomingMuted]];
}

// CallDataListener

- (void)onDataReceived:(ParleyMobileCall *)call message:(ParleyMobileDataMessage *)message {
	[events tell:@"data" object:message];
}

- (void)onToneReceived:(ParleyMobileCall *)call participant:(ParleyMobileRemoteParticipant *)participant tone:(NSString *)tone {
	[events tell:[@"tone " stringByAppendingString:tone]];
}

// Video

- (void)onVideoFrame:(ParleyMobileCall *)call frame:(ParleyMobileVideoFrame *)frame {
	NSUInteger count = 0;
	@synchronized(_frames) {
		[_frames addObject:frame];
		count = [_frames count];
	}
	[events tell:[NSString stringWithFormat:@"frames %lu", (unsigned long)count]];
}

- (void)onKeyFrameRequested {
	int count = 0;
	@synchronized(_frames) {
		count = ++_asked;
	}
	[events tell:[NSString stringWithFormat:@"key frame requested %d", count]];
}

- (int)asked {
	@synchronized(_frames) {
		return _asked;
	}
}

- (void)onTargetBitrateChanged:(int32_t)bitsPerSecond {
	[events tell:@"target bitrate"];
}

// Chat

- (void)onMessage:(ParleyMobileChatMessageEvent *)event change:(int32_t)change {
	[events tell:[NSString stringWithFormat:@"message %@ %d", [[event message] content], change] object:event];
}

- (void)onThread:(ParleyMobileChatThreadEvent *)event change:(int32_t)change {
	[events tell:[NSString stringWithFormat:@"thread %@ %d", [event topic], change]];
}

- (void)onParticipants:(ParleyMobileChatParticipantsEvent *)event joined:(BOOL)joined {
	[events tell:@"participants"];
}

- (void)onTyping:(ParleyMobileChatTypingEvent *)event {
	[events tell:[@"typing " stringByAppendingString:[event senderID]]];
}

- (void)onReadReceipt:(NSString *)threadID receipt:(ParleyMobileChatReadReceipt *)receipt {
	[events tell:[@"read " stringByAppendingString:[receipt messageID]]];
}

- (void)onThreadState:(ParleyMobileChatThreadState *)state {
	[events tell:[NSString stringWithFormat:@"unread %d", [state unread]]];
}

- (void)onChatConnectionChanged:(int32_t)state failure:(ParleyMobileFailure *)failure {
	[events tell:[NSString stringWithFormat:@"chat %d", state]];
}

@end
