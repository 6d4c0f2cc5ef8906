// Package mobile is Parley for phones: calls and chat behind one flat surface
// that gobind turns into Java and Objective-C. The Kotlin layer of bind/android,
// the Swift layer of bind/ios and the C library of bind/c stand on it; Go
// programs use the packages engine and rest/chat themselves.
//
// # Overview
//
// A Client knows the service. With a Credential of a user it makes a CallAgent,
// which places calls with StartCall and tells of IncomingCalls, and a
// ChatClient. The smallest call, in Java:
//
//	ClientOptions options = new ClientOptions();
//	options.setEndpoint("https://chat.example.com");
//	Client client = Mobile.newClient(options);
//	CallAgent agent = client.newCallAgent(Mobile.newCredential(token), null, null);
//	Call call = agent.startCall("8:acs:…", null, listener);
//	…
//	call.hangUp();
//	client.shutdown();
//
// # Audio
//
// Client.Audio is the phone's microphone and loudspeaker: the platform's audio
// threads call its WritePCM and ReadPCM with 48 kHz mono 16 bit samples in byte
// arrays of their own, which they use again and again. In Objective-C ReadPCM
// writes into the NSMutableData that it is given.
//
// # Threads and listeners
//
// Every method may be called from any thread, Close always. Methods that wait
// for the service wait ClientOptions.TimeLimit at most, and are ended by Close;
// on Android they are not for the main thread. Listeners are given with what
// creates an object, so that nothing is missed. They are called on threads of
// the library, one method at a time for one agent or chat client; what they
// throw is caught. They are dropped when their object is closed or, those of a
// call, after CallStateDisconnected: an object that a listener refers to is then
// free.
//
// # Errors
//
// An error has a code: FailureOf(error) tells it with the call's code and
// subcode and the HTTP status, ErrorCode(error) tells it alone. No other error
// is ever returned, and a panic inside becomes ErrorCodeInternal. After Close
// methods give ErrorCodeClosed or their zero value.
//
// # Kinds of values
//
// Enumerations are int32 constants, times are int64 milliseconds since 1970,
// durations int64 milliseconds, lists have Len and At, pagers have Next, which
// gives nothing at the end. Byte arrays are copied before a method returns.
package mobile
