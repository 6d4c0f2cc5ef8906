package limits

import (
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
)

// acsChat returns the limits of chat (acs-rest 6).
func acsChat() []Rule {
	const thread = "chatThreadId"
	per := func(inTenSeconds, inMinute int) []Window {
		windows := []Window{{Requests: inTenSeconds, Per: 10 * time.Second}}
		if inMinute > 0 {
			windows = append(windows, Window{Requests: inMinute, Per: time.Minute})
		}
		return windows
	}
	user := func(name string, allow []Window, operations ...string) Rule {
		return Rule{Name: name, Operations: operations, Scope: ScopeUser, Allow: allow}
	}
	inThread := func(name string, allow []Window, operations ...string) Rule {
		return Rule{Name: name + " of a thread", Operations: operations, Scope: ScopeValue, Parameter: thread, Allow: allow}
	}
	userInThread := func(name string, allow []Window, operations ...string) Rule {
		return Rule{Name: name + " of a thread by a user", Operations: operations, Scope: ScopeUserValue, Parameter: thread, Allow: allow}
	}
	getMessage := []string{acswire.OpChatGetMessage, acswire.OpChatGetMessageV2020}
	listMessages := []string{acswire.OpChatListMessages, acswire.OpChatListMessagesV2020}
	listReceipts := []string{acswire.OpChatListReadReceipts, acswire.OpChatListReadReceiptsV2020}
	listMembers := []string{acswire.OpChatListParticipants, acswire.OpChatListMembersV2020}
	typing := []string{acswire.OpChatSendTyping, acswire.OpChatSendTypingV2020}
	return []Rule{
		user("create threads", per(10, 0), acswire.OpChatCreateThread, acswire.OpChatCreateThreadV2020),
		user("delete threads", per(10, 0), acswire.OpChatDeleteThread, acswire.OpChatDeleteThreadV2020),
		user("get threads", per(50, 0), acswire.OpChatGetThread, acswire.OpChatGetThreadV2020),
		user("list threads", per(50, 0), acswire.OpChatListThreads, acswire.OpChatListThreadsV2020),
		inThread("updates", per(5, 0), acswire.OpChatUpdateThread, acswire.OpChatUpdateThreadV2020),
		inThread("participants added", per(10, 30), acswire.OpChatAddParticipants, acswire.OpChatAddMembersV2020),
		inThread("participants removed", per(10, 30), acswire.OpChatRemoveParticipant, acswire.OpChatRemoveMemberV2020),
		inThread("messages sent, changed and deleted", per(10, 30),
			acswire.OpChatSendMessage, acswire.OpChatUpdateMessage, acswire.OpChatDeleteMessage,
			acswire.OpChatSendMessageV2020, acswire.OpChatUpdateMessageV2020, acswire.OpChatDeleteMessageV2020),
		userInThread("messages read", per(50, 0), getMessage...),
		inThread("messages read", per(250, 0), getMessage...),
		userInThread("lists of messages", per(50, 200), listMessages...),
		inThread("lists of messages", per(250, 400), listMessages...),
		userInThread("lists of read receipts", per(5, 0), listReceipts...),
		inThread("lists of read receipts", per(100, 0), listReceipts...),
		userInThread("lists of participants", per(10, 0), listMembers...),
		inThread("lists of participants", per(250, 0), listMembers...),
		userInThread("read receipts sent", per(10, 30), acswire.OpChatSendReadReceipt, acswire.OpChatSendReadReceiptV2020),
		userInThread("typing notifications", per(5, 15), typing...),
		inThread("typing notifications", per(10, 30), typing...),
	}
}
