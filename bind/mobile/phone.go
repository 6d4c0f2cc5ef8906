package mobile

// NetworkChanged says that the device's network has changed: all agents and
// chat clients reconnect at once instead of noticing by silence.
func (c *Client) NetworkChanged() {
	defer quiet()
	for _, agent := range c.allAgents() {
		agent.agent.NetworkChanged()
	}
	for _, chat := range c.allChats() {
		chat.NetworkChanged()
	}
}
