// Parley from Objective-C: two users of one process call each other through a
// real service. What the program is given and what it prints: test/bind/README.md.

#import "support.h"

// Of gobind. Here its constructor may run before the classes of the archive are
// registered, and would make nothing.
void init_seq(void);

int main(void) {
	init_seq();
	setvbuf(stdout, NULL, _IOLBF, 0);
	NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
	int failed = 1;
	@try {
		User *alice = [[[User alloc] initWithName:@"ALICE"] autorelease];
		User *bob = [[[User alloc] initWithName:@"BOB"] autorelease];
		[alice signIn];
		[bob signIn];
		checkCall(alice, bob);
		checkChat(alice, bob);
		checkErrors();
		checkMisuse();
#ifdef PARLEY_PROBE
		checkVoiceUnit();
#endif
		checkReferences();
		checkThreads();
		checkClose(alice, bob);
		checkFlat();
		failed = 0;
	} @catch (NSException *exception) {
		printf("FAIL objc: %s\n", [[exception reason] UTF8String]);
	}
	[pool release];
	return failed;
}
