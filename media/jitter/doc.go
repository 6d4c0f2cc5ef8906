// Package jitter plays packets that arrive at uneven intervals as an even
// stream of audio.
//
// It has two layers, both pure: they have no goroutine, lock, clock or socket,
// and now is a parameter.
//
//   - Buffer knows packets, not samples. Push takes a packet and its arrival;
//     Pull says what to play next: a packet, a frame rebuilt from a later
//     packet, concealment, a pause, and whether to play a little faster or slower.
//   - Player carries that out with a decoder and gives 48 kHz samples.
//
// # Delay
//
// For each packet the buffer compares its arrival with that of the fastest
// packets of the last seconds. Two histograms of this lateness, one with a
// memory of about a second and one of several, are asked for the delay with the
// least cost, where one percent of lost audio costs as much as 20 ms of delay.
// The larger answer is the target. So a network with little jitter gets nearly
// every packet in time, and one with rare spikes does not pay for them all the time.
// A frame that was lost but can be rebuilt from the next packet counts as one
// that arrived with the next packet; the target then grows by one frame when
// the loss is worth it.
//
// The delay of what is played is moved to the target by stretching the audio,
// and without any stretching at the beginning and after pauses. Audio that
// comes too late because the network stood still is played nevertheless, and
// the delay taken back afterwards.
//
// A Buffer and a Player are used from one goroutine at a time.
package jitter
