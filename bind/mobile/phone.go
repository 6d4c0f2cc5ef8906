package mobile

import "runtime/debug"

// NetworkChanged says that the device has another network, or a network again:
// agents, their calls and chat clients reconnect at once instead of noticing by
// silence, and outboxes try again. ConnectivityManager and NWPathMonitor tell.
func (c *Client) NetworkChanged() {
	defer quiet()
	for _, agent := range c.allAgents() {
		agent.agent.NetworkChanged()
	}
	for _, chat := range c.allChats() {
		chat.NetworkChanged()
	}
}

// EnterBackground says that the user does not see the application any more.
// Memory that is not needed is given back. Calls and connections go on as long
// as the system lets the application run; what comes later wakes it by a push.
func (c *Client) EnterBackground() {
	defer quiet()
	c.LowMemory()
}

// EnterForeground undoes EnterBackground. A system may have taken the sockets of
// an application that slept: agents without a call and chat clients reconnect at
// once, and outboxes try again. A call has kept the application awake, and its
// path is left alone; but a system may have taken the decoder, so the other side
// of a call is asked for a key frame of its video.
func (c *Client) EnterForeground() {
	defer quiet()
	for _, agent := range c.allAgents() {
		calls := agent.allCalls()
		if len(calls) == 0 {
			agent.agent.NetworkChanged()
		}
		for _, call := range calls {
			// Where there is no video, there is nothing to ask for.
			_ = call.RequestKeyFrame()
		}
	}
	for _, chat := range c.allChats() {
		chat.NetworkChanged()
	}
}

// LowMemory says that the system runs out of memory: what is not needed is given
// back at once. It takes some milliseconds.
func (c *Client) LowMemory() {
	defer quiet()
	if c.transport != nil {
		c.transport.CloseIdleConnections()
	}
	debug.FreeOSMemory()
}
