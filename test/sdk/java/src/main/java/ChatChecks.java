import com.azure.communication.chat.ChatAsyncClient;
import com.azure.communication.chat.ChatClient;
import com.azure.communication.chat.ChatClientBuilder;
import com.azure.communication.chat.ChatServiceVersion;
import com.azure.communication.chat.ChatThreadAsyncClient;
import com.azure.communication.chat.ChatThreadClient;
import com.azure.communication.chat.models.AddChatParticipantsResult;
import com.azure.communication.chat.models.ChatError;
import com.azure.communication.chat.models.ChatMessage;
import com.azure.communication.chat.models.ChatMessageReadReceipt;
import com.azure.communication.chat.models.ChatMessageType;
import com.azure.communication.chat.models.ChatParticipant;
import com.azure.communication.chat.models.ChatThreadItem;
import com.azure.communication.chat.models.ChatThreadProperties;
import com.azure.communication.chat.models.CreateChatThreadOptions;
import com.azure.communication.chat.models.CreateChatThreadResult;
import com.azure.communication.chat.models.ListChatMessagesOptions;
import com.azure.communication.chat.models.ListChatThreadsOptions;
import com.azure.communication.chat.models.ListParticipantsOptions;
import com.azure.communication.chat.models.ListReadReceiptOptions;
import com.azure.communication.chat.models.SendChatMessageOptions;
import com.azure.communication.chat.models.TypingNotificationOptions;
import com.azure.communication.chat.models.UpdateChatMessageOptions;
import com.azure.communication.common.CommunicationIdentifier;
import com.azure.communication.common.CommunicationTokenCredential;
import com.azure.communication.common.CommunicationUserIdentifier;
import com.azure.communication.identity.CommunicationIdentityClient;
import com.azure.communication.identity.models.CommunicationUserIdentifierAndToken;
import com.azure.core.exception.HttpResponseException;
import com.azure.core.http.rest.PagedIterable;
import com.azure.core.util.Context;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** com.azure:azure-communication-chat. */
final class ChatChecks {
    private static final OffsetDateTime EPOCH = OffsetDateTime.of(1970, 1, 1, 0, 0, 0, 0, ZoneOffset.UTC);

    private static CommunicationIdentityClient identity;
    private static Person alice;
    private static Person bob;
    private static Person carol;

    private ChatChecks() {
    }

    /** A user with a token, and what chats as that user. */
    private static final class Person {
        final CommunicationUserIdentifier user;
        final String id;
        final String token;
        final ChatClient chat;

        Person() {
            CommunicationUserIdentifierAndToken made = identity.createUserAndToken(IdentityChecks.scope("chat"));
            user = made.getUser();
            id = user.getId();
            token = made.getUserToken().getToken();
            chat = builder(token).buildClient();
        }

        ChatParticipant named(String name) {
            return new ChatParticipant().setCommunicationIdentifier(user).setDisplayName(name);
        }
    }

    private static ChatClientBuilder builder(String token) {
        return new ChatClientBuilder().endpoint(Suite.setting("endpoint")).credential(new CommunicationTokenCredential(token));
    }

    private static ChatParticipant nobody() {
        return new ChatParticipant().setCommunicationIdentifier(new CommunicationUserIdentifier(Suite.setting("foreignUser"))).setDisplayName("Nobody");
    }

    private static void check(String name, Suite.Check check) {
        Suite.check("chat: " + name, check);
    }

    /** Makes a thread of several people; the first one makes it. */
    private static String started(Person... people) {
        CreateChatThreadOptions options = new CreateChatThreadOptions("Lunch")
            .setParticipants(Arrays.stream(people).map(p -> p.named("Somebody")).toList());
        return people[0].chat.createChatThread(options).getChatThread().getId();
    }

    private static ChatThreadClient in(Person person, String thread) {
        return person.chat.getChatThreadClient(thread);
    }

    private static SendChatMessageOptions saying(String content) {
        return new SendChatMessageOptions().setContent(content);
    }

    private static <T> List<T> all(Iterable<T> iterable) {
        return StreamSupport.stream(iterable.spliterator(), false).collect(Collectors.toCollection(ArrayList::new));
    }

    private static <T> List<List<T>> pages(PagedIterable<T> iterable) {
        return iterable.streamByPage().map(page -> List.copyOf(page.getValue())).filter(page -> !page.isEmpty()).toList();
    }

    private static String raw(CommunicationIdentifier id) {
        return id.getRawId();
    }

    private static Set<String> who(Iterable<ChatParticipant> participants) {
        return all(participants).stream().map(p -> raw(p.getCommunicationIdentifier())).collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> ids(Person... people) {
        return Arrays.stream(people).map(p -> p.id).collect(Collectors.toCollection(TreeSet::new));
    }

    private static List<String> texts(List<ChatMessage> messages) {
        return messages.stream().filter(m -> m.getType().equals(ChatMessageType.TEXT)).map(m -> m.getContent().getMessage()).toList();
    }

    private static void recent(OffsetDateTime when) {
        Suite.isTrue(Duration.between(when, OffsetDateTime.now()).abs().compareTo(Duration.ofMinutes(1)) < 0, String.valueOf(when));
    }

    /** Checks status and code; the header has the code at every version. */
    private static void refused(Suite.Check call, int status, String code) throws Exception {
        try {
            call.run();
        } catch (HttpResponseException refusal) {
            Suite.equal(refusal.getResponse().getStatusCode(), status);
            if (code != null) {
                Suite.equal(refusal.getResponse().getHeaders().getValue("x-ms-error-code"), code);
            }
            return;
        }
        throw new AssertionError("the call succeeded");
    }

    static void run() {
        identity = IdentityChecks.builder().buildClient();
        alice = new Person();
        bob = new Person();
        carol = new Person();
        threads();
        messages();
        membership();
        signals();
        refusals();
        check("the asynchronous client", ChatChecks::asynchronous);
    }

    private static void threads() {
        check("createChatThread and getProperties", () -> {
            ChatThreadProperties made = alice.chat.createChatThread(new CreateChatThreadOptions("Lunch")
                .setParticipants(List.of(alice.named("Alice"), bob.named("Bob")))).getChatThread();
            Suite.isTrue(made.getId().matches("19:\\S+@thread\\.v2"), made.getId());
            Suite.equal(made.getTopic() + " " + raw(made.getCreatedBy()), "Lunch " + alice.id);
            recent(made.getCreatedOn());
            ChatThreadProperties got = in(bob, made.getId()).getProperties();
            Suite.equal(List.of(got.getId(), got.getTopic(), got.getCreatedOn()), List.of(made.getId(), made.getTopic(), made.getCreatedOn()));
        });
        check("createChatThread repeated with one token is one thread", () -> {
            String token = UUID.randomUUID().toString();
            List<String> ids = new ArrayList<>();
            for (String one : List.of(token, token, UUID.randomUUID().toString())) {
                CreateChatThreadOptions options = new CreateChatThreadOptions("Once").setIdempotencyToken(one).setParticipants(List.of(bob.named("Bob")));
                ids.add(alice.chat.createChatThread(options).getChatThread().getId());
            }
            Suite.equal(ids.get(0), ids.get(1));
            Suite.isTrue(!ids.get(0).equals(ids.get(2)), "another token gave the same thread");
        });
        check("partial success", () -> {
            CreateChatThreadResult made = alice.chat.createChatThread(new CreateChatThreadOptions("Some").setParticipants(List.of(bob.named("Bob"), nobody())));
            invalid(made.getInvalidParticipants());
            ChatThreadClient thread = in(alice, made.getChatThread().getId());
            Suite.equal(who(thread.listParticipants()), ids(alice, bob));
            AddChatParticipantsResult added = thread.addParticipants(List.of(carol.named("Carol"), nobody()));
            invalid(added.getInvalidParticipants());
            Suite.equal(who(thread.listParticipants()), ids(alice, bob, carol));
        });
        check("updateTopic", () -> {
            String id = started(alice, bob);
            in(alice, id).updateTopic("Dinner");
            Suite.equal(in(bob, id).getProperties().getTopic(), "Dinner");
            List<ChatMessage> told = all(in(bob, id).listMessages()).stream().filter(m -> m.getType().equals(ChatMessageType.TOPIC_UPDATED)).toList();
            Suite.equal(told.stream().map(m -> m.getContent().getTopic()).toList(), List.of("Dinner", "Lunch"));
            Suite.equal(raw(told.get(0).getContent().getInitiator()), alice.id);
        });
        check("listChatThreads: only one's own, page by page", () -> {
            Person lister = new Person();
            Set<String> made = new HashSet<>();
            for (int i = 0; i < 5; i++) {
                made.add(started(lister));
            }
            List<List<ChatThreadItem>> pages = pages(lister.chat.listChatThreads(new ListChatThreadsOptions().setMaxPageSize(2), Context.NONE));
            Suite.isTrue(pages.size() >= 3 && pages.stream().allMatch(p -> p.size() <= 2), pages.toString());
            List<String> listed = pages.stream().flatMap(List::stream).map(ChatThreadItem::getId).toList();
            Suite.equal(new HashSet<>(listed), made);
            Suite.equal(listed.size(), 5);
        });
        check("deleteChatThread", () -> {
            String id = started(alice, bob);
            alice.chat.deleteChatThread(id);
            for (Person one : List.of(alice, bob)) {
                refused(() -> in(one, id).getProperties(), 404, "NotFound");
                refused(() -> in(one, id).sendMessage(saying("x")), 404, "NotFound");
            }
        });
    }

    private static void invalid(List<ChatError> errors) {
        Suite.equal(errors.stream().map(e -> e.getTarget() + " " + e.getCode()).toList(), List.of(Suite.setting("foreignUser") + " 403"));
    }

    private static void messages() {
        check("send, get, update and delete a message", () -> {
            String id = started(alice, bob);
            ChatThreadClient a = in(alice, id);
            ChatThreadClient b = in(bob, id);
            String content = "Grüße 👋 100% %41 \"q\" <b>no markup</b>";
            String sent = a.sendMessage(saying(content).setType(ChatMessageType.TEXT).setSenderDisplayName("Alice").setMetadata(Map.of("k", "v"))).getId();
            ChatMessage got = b.getMessage(sent);
            Suite.equal(List.of(got.getId(), got.getType(), got.getContent().getMessage(), got.getSenderDisplayName(), got.getMetadata(), raw(got.getSender())),
                List.of(sent, ChatMessageType.TEXT, content, "Alice", Map.of("k", "v"), alice.id));
            recent(got.getCreatedOn());
            a.updateMessage(sent, new UpdateChatMessageOptions().setContent("changed").setMetadata(Map.of("l", "w")));
            ChatMessage edited = b.getMessage(sent);
            Suite.equal(List.of(edited.getContent().getMessage(), edited.getMetadata()), List.of("changed", Map.of("k", "v", "l", "w")));
            recent(edited.getEditedOn());
            Suite.isTrue(!edited.getVersion().equals(got.getVersion()), "the version did not change");
            refused(() -> b.updateMessage(sent, new UpdateChatMessageOptions().setContent("mine")), 403, "Forbidden");
            refused(() -> b.deleteMessage(sent), 403, "Forbidden");
            a.deleteMessage(sent);
            recent(b.getMessage(sent).getDeletedOn());
        });
        check("html is kept, what runs is taken out", () -> {
            ChatThreadClient a = in(alice, started(alice));
            String sent = a.sendMessage(saying("<p onclick=\"x()\">Hi <b>Bob</b><script>alert(1)</script></p>").setType(ChatMessageType.HTML)).getId();
            ChatMessage got = a.getMessage(sent);
            Suite.equal(got.getType(), ChatMessageType.HTML);
            String markup = got.getContent().getMessage();
            Suite.isTrue(markup.contains("<b>Bob</b>") && !markup.contains("script") && !markup.contains("onclick"), markup);
        });
        check("listMessages: order, pages, start time", () -> {
            String id = started(alice, bob);
            List<String> sent = new ArrayList<>();
            for (int i = 0; i < 7; i++) {
                sent.add(in(i % 2 == 0 ? alice : bob, id).sendMessage(saying("m" + i)).getId());
            }
            List<ChatMessage> first = all(in(alice, id).listMessages());
            List<String> order = first.stream().map(ChatMessage::getId).toList();
            Suite.equal(all(in(bob, id).listMessages()).stream().map(ChatMessage::getId).toList(), order);
            Suite.equal(texts(first), List.of("m6", "m5", "m4", "m3", "m2", "m1", "m0"));
            Suite.equal(first.subList(7, 9).stream().map(ChatMessage::getType).toList(), List.of(ChatMessageType.TOPIC_UPDATED, ChatMessageType.PARTICIPANT_ADDED));
            Suite.equal(who(first.get(8).getContent().getParticipants()), ids(alice, bob));
            List<List<ChatMessage>> pages = pages(in(bob, id).listMessages(new ListChatMessagesOptions().setMaxPageSize(4), Context.NONE));
            Suite.isTrue(pages.size() >= 3 && pages.stream().allMatch(p -> p.size() <= 4), "pages");
            Suite.equal(pages.stream().flatMap(List::stream).map(ChatMessage::getId).toList(), order);
            OffsetDateTime middle = in(bob, id).getMessage(sent.get(4)).getCreatedOn();
            List<ChatMessage> later = all(in(bob, id).listMessages(new ListChatMessagesOptions().setStartTime(middle), Context.NONE));
            Suite.isTrue(later.stream().map(ChatMessage::getId).toList().containsAll(sent.subList(4, 7)), "a later message is missing");
            Suite.isTrue(later.stream().noneMatch(m -> m.getCreatedOn().isBefore(middle)), "an earlier message is there");
        });
    }

    private static void membership() {
        check("addParticipants: history from the time that is given", () -> {
            String id = started(alice, bob);
            ChatThreadClient a = in(alice, id);
            Person dave = new Person();
            a.sendMessage(saying("before"));
            a.addParticipants(List.of(carol.named("Carol").setShareHistoryTime(EPOCH)));
            a.addParticipant(dave.named("Dave"));
            a.sendMessage(saying("after"));
            Suite.equal(texts(all(in(carol, id).listMessages())), List.of("after", "before"));
            Suite.equal(texts(all(in(dave, id).listMessages())), List.of("after"));
            List<List<ChatParticipant>> pages = pages(a.listParticipants(new ListParticipantsOptions().setMaxPageSize(3), Context.NONE));
            Suite.isTrue(pages.size() >= 2 && pages.stream().allMatch(p -> p.size() <= 3), "pages");
            Suite.equal(who(pages.stream().flatMap(List::stream).toList()), ids(alice, bob, carol, dave));
            Suite.equal(all(a.listParticipants(new ListParticipantsOptions().setSkip(3), Context.NONE)).size(), 1);
        });
        check("removeParticipant: who is gone learns no more", () -> {
            String id = started(alice, bob, carol);
            ChatThreadClient a = in(alice, id);
            ChatThreadClient c = in(carol, id);
            String sent = a.sendMessage(saying("x")).getId();
            a.removeParticipant(carol.user);
            for (Suite.Check call : List.<Suite.Check>of(c::getProperties, () -> c.getMessage(sent), () -> all(c.listMessages()), () -> all(c.listParticipants()),
                () -> all(c.listReadReceipts()), () -> c.sendMessage(saying("y")), () -> c.updateTopic("Z"), () -> c.sendReadReceipt(sent),
                c::sendTypingNotification, () -> c.addParticipants(List.of(carol.named("Carol"))), () -> c.removeParticipant(bob.user))) {
                refused(call, 403, "Forbidden");
            }
            Suite.isTrue(all(carol.chat.listChatThreads()).stream().noneMatch(t -> t.getId().equals(id)), "the thread is listed");
            in(bob, id).removeParticipant(bob.user);
            refused(() -> in(bob, id).getProperties(), 403, "Forbidden");
            Suite.equal(who(a.listParticipants()), ids(alice));
        });
    }

    private static void signals() {
        check("sendReadReceipt and listReadReceipts", () -> {
            String id = started(alice, bob);
            ChatThreadClient a = in(alice, id);
            Suite.equal(all(a.listReadReceipts()).size(), 0);
            String first = a.sendMessage(saying("1")).getId();
            String second = a.sendMessage(saying("2")).getId();
            in(bob, id).sendReadReceipt(second);
            a.sendReadReceipt(first);
            Map<String, String> got = all(a.listReadReceipts()).stream()
                .collect(Collectors.toMap(r -> raw(r.getSender()), ChatMessageReadReceipt::getChatMessageId));
            Suite.equal(got, Map.of(alice.id, first, bob.id, second));
            all(a.listReadReceipts()).forEach(r -> recent(r.getReadOn()));
            Suite.equal(pages(a.listReadReceipts(new ListReadReceiptOptions().setMaxPageSize(1), Context.NONE)).size(), 2);
        });
        check("sendTypingNotification", () -> {
            ChatThreadClient a = in(alice, started(alice, bob));
            a.sendTypingNotification();
            Suite.equal(a.sendTypingNotificationWithResponse(new TypingNotificationOptions().setSenderDisplayName("Alice"), Context.NONE).getStatusCode(), 200);
        });
    }

    private static void refusals() {
        check("unknown and ill-formed ids, and strangers", () -> {
            ChatThreadClient a = in(alice, started(alice, bob));
            refused(() -> in(alice, "19:00000000000000000000000000000000@thread.v2").getProperties(), 404, "NotFound");
            refused(() -> alice.chat.deleteChatThread("invalid_chat_thread_id"), 400, "BadRequest");
            refused(() -> a.getMessage("invalid_chat_message_id"), 400, "BadRequest");
            refused(() -> a.addParticipants(List.of(new ChatParticipant().setCommunicationIdentifier(new CommunicationUserIdentifier("8:acs:fakeid===")))),
                400, "BadRequest");
            ChatThreadClient stranger = in(new Person(), a.getChatThreadId());
            refused(stranger::getProperties, 403, "Forbidden");
            refused(() -> stranger.sendMessage(saying("x")), 403, "Forbidden");
        });
        check("scopes and revoked tokens", () -> {
            String id = started(alice, bob);
            ChatClient limited = builder(identity.getToken(alice.user, IdentityChecks.scope("chat.join.limited")).getToken()).buildClient();
            refused(() -> limited.createChatThread(new CreateChatThreadOptions("T")), 403, "Forbidden");
            refused(() -> limited.getChatThreadClient(id).addParticipants(List.of(carol.named("Carol"))), 403, "Forbidden");
            limited.getChatThreadClient(id).sendMessage(saying("joined"));
            Person dave = new Person();
            ChatThreadClient thread = in(dave, started(dave));
            identity.revokeTokens(dave.user);
            refused(() -> thread.sendMessage(saying("gone")), 401, null);
        });
        for (ChatServiceVersion version : ChatServiceVersion.values()) {
            check("built for service version " + version.getVersion(), () -> {
                ChatClient client = builder(alice.token).serviceVersion(version).buildClient();
                String id = client.createChatThread(new CreateChatThreadOptions("Old").setParticipants(List.of(bob.named("Bob")))).getChatThread().getId();
                String sent = client.getChatThreadClient(id).sendMessage(saying("hello")).getId();
                Suite.equal(in(bob, id).getMessage(sent).getContent().getMessage(), "hello");
                client.deleteChatThread(id);
            });
        }
    }

    private static void asynchronous() {
        ChatAsyncClient client = builder(alice.token).buildAsyncClient();
        String id = client.createChatThread(new CreateChatThreadOptions("Async").setParticipants(List.of(bob.named("Bob")))).block().getChatThread().getId();
        ChatThreadAsyncClient thread = client.getChatThreadClient(id);
        thread.updateTopic("Async too").block();
        String sent = thread.sendMessage(saying("hello")).block().getId();
        thread.updateMessage(sent, new UpdateChatMessageOptions().setContent("hello again")).block();
        Suite.equal(thread.getMessage(sent).block().getContent().getMessage(), "hello again");
        thread.sendReadReceipt(sent).block();
        thread.sendTypingNotification().block();
        Suite.equal(thread.listReadReceipts().collectList().block().size(), 1);
        Suite.equal(thread.listMessages(new ListChatMessagesOptions().setMaxPageSize(2)).collectList().block().size(), 4);
        Suite.equal(thread.listParticipants().collectList().block().size(), 2);
        thread.removeParticipant(bob.user).block();
        thread.addParticipants(List.of(bob.named("Bob"))).block();
        Suite.equal(thread.getProperties().block().getTopic(), "Async too");
        thread.deleteMessage(sent).block();
        Suite.isTrue(client.listChatThreads().collectList().block().stream().anyMatch(t -> t.getId().equals(id)), "the thread is not listed");
        client.deleteChatThread(id).block();
    }
}
