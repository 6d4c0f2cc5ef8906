#import "support.h"

// Messages and typing over the chat connection, the list of messages, the outbox.

@interface Sent : NSObject <ParleyMobileOutboxListener> {
@public
	Events *events;
}
@end

@implementation Sent

- (id)init {
	self = [super init];
	if (self) {
		events = [[Events alloc] init];
	}
	return self;
}

- (void)dealloc {
	[events release];
	[super dealloc];
}

- (void)onSent:(ParleyMobileOutboxMessage *)message messageID:(NSString *)messageID {
	[events tell:[@"sent " stringByAppendingString:[message content]] object:messageID];
}

- (void)onSendFailed:(ParleyMobileOutboxMessage *)message failure:(ParleyMobileFailure *)failure {
	[events tell:[@"failed " stringByAppendingString:[failure message]]];
}

@end

static ParleyMobileChatClient *started(User *user, NSString *name) {
	NSError *error = nil;
	ParleyMobileChatOptions *options = [[[ParleyMobileChatOptions alloc] init] autorelease];
	[options setDisplayName:name];
	ParleyMobileChatClient *chat = [user->client newChatClient:credentialOf(name) options:options listener:user states:user error:&error];
	NO_ERROR(error);
	[chat start:&error];
	NO_ERROR(error);
	return chat;
}

static void checkOutbox(ParleyMobileChatClient *chat, User *other) {
	NSError *error = nil;
	Sent *sent = [[[Sent alloc] init] autorelease];
	ParleyMobileOutbox *outbox = [chat openOutbox:[env("PARLEY_DIR") stringByAppendingPathComponent:@"outbox"] listener:sent error:&error];
	NO_ERROR(error);
	[outbox add:env("PARLEY_THREAD") content:@"from the outbox" options:nil error:&error];
	NO_ERROR(error);
	[sent->events await:@"sent from the outbox"];
	[other->events await:[NSString stringWithFormat:@"message from the outbox %d", ParleyMobileChatChangeCreated]];
	CHECK([[outbox waiting] len] == 0, @"a message that was sent waits");
	[outbox close];
	printf("ok outbox\n");
}

/// The list of messages holds one with this text.
static void checkList(ParleyMobileChatThread *thread, NSString *text) {
	NSError *error = nil;
	ParleyMobileChatMessagePager *pager = [thread messages];
	NSUInteger found = 0;
	for (ParleyMobileChatMessage *message = [pager next:&error]; message != nil; message = [pager next:&error]) {
		found += [[message content] isEqualToString:text];
	}
	NO_ERROR(error);
	CHECK(found == 1, @"the message is %lu times in the list", (unsigned long)found);
}

void checkChat(User *alice, User *bob) {
	NSError *error = nil;
	ParleyMobileChatClient *hers = started(alice, @"ALICE");
	ParleyMobileChatClient *his = started(bob, @"BOB");
	ParleyMobileChatThread *thread = [hers thread:env("PARLEY_THREAD") error:&error];
	NO_ERROR(error);
	NSString *text = @"café 東京 🙂 \"end\"";
	ParleyMobileSentMessage *sent = [thread sendMessage:text options:nil error:&error];
	NO_ERROR(error);
	NSString *line = [NSString stringWithFormat:@"message %@ %d", text, ParleyMobileChatChangeCreated];
	[bob->events await:line];
	ParleyMobileChatMessageEvent *event = [bob->events object:line];
	CHECK([[[event message] id_] isEqualToString:[sent id_]], @"another message came");
	CHECK([[[event message] senderID] isEqualToString:[alice identifier]], @"%@ wrote it", [[event message] senderID]);
	CHECK([[[event message] senderDisplayName] isEqualToString:@"ALICE"], @"%@ wrote it", [[event message] senderDisplayName]);
	checkList(thread, text);
	printf("ok chat\n");

	ParleyMobileChatThread *same = [his thread:env("PARLEY_THREAD") error:&error];
	NO_ERROR(error);
	[same sendTyping:&error];
	NO_ERROR(error);
	[alice->events await:[@"typing " stringByAppendingString:[bob identifier]]];
	[same sendReadReceipt:[sent id_] error:&error];
	NO_ERROR(error);
	[alice->events await:[@"read " stringByAppendingString:[sent id_]]];
	printf("ok typing\n");
	checkOutbox(hers, bob);

	CHECK(![same message:@"no-such-message" error:&error], @"a message that is not there");
	CHECK([ParleyMobileFailureOf(error) httpStatus] >= 400, @"%@", error);
	[hers close];
	[hers close];
	error = nil;
	CHECK(![thread sendMessage:@"late" options:nil error:&error] && ParleyMobileErrorCode(error) == ParleyMobileErrorCodeClosed,
		@"a closed chat client sends: %@", error);
	[his shutdown:&error];
}
