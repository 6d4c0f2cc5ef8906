// Stands in for Apple's header: ParleyVoiceUnit.m is compiled as for iOS.
#define TARGET_OS_IOS 1
