import com.sun.jna.Callback;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.util.Map;

/** What of parley.h the example uses. Structs begin with their size. */
interface Parley extends Library {
  Parley LIB =
      Native.load(System.getenv("PARLEY_LIBRARY"), Parley.class, Map.of(Library.OPTION_STRING_ENCODING, "UTF-8"));

  int INVALID = -3;
  int CLOSED = -4;
  int CONNECTED = 4;
  int DISCONNECTED = 9;
  int VP8 = 1;

  /** A struct that sets its size, with text in UTF-8. */
  abstract class Sized extends Structure {
    public int size;

    Sized() {
      setStringEncoding("UTF-8");
    }

    Sized(Pointer memory) {
      super(memory);
      setStringEncoding("UTF-8");
      read();
    }

    <T extends Sized> T sized() {
      size = size();
      @SuppressWarnings("unchecked")
      T self = (T) this;
      return self;
    }
  }

  @Structure.FieldOrder({"size", "code", "callCode", "callSubcode", "httpStatus", "serviceCode", "message"})
  class Failure extends Sized {
    public int code;
    public int callCode;
    public int callSubcode;
    public int httpStatus;
    public byte[] serviceCode = new byte[64];
    public byte[] message = new byte[512];
  }

  @Structure.FieldOrder({"size", "allowPlainHttp", "endpoint", "rootCertificates", "userAgent", "relayOnly",
    "audioBitrate", "maxVideoBitrate", "gcPercent", "timeLimit", "memoryLimit"})
  class ClientOptions extends Sized {
    public int allowPlainHttp;
    public String endpoint;
    public String rootCertificates;
    public String userAgent;
    public int relayOnly;
    public int audioBitrate;
    public int maxVideoBitrate;
    public int gcPercent;
    public long timeLimit;
    public long memoryLimit;
  }

  @Structure.FieldOrder({"size", "muted", "incomingMuted", "noAudio", "shareAddressEarly", "receiveVideo",
    "statsInterval", "camera", "canceler"})
  class CallOptions extends Sized {
    public int muted;
    public int incomingMuted;
    public int noAudio;
    public int shareAddressEarly;
    public int receiveVideo;
    public long statsInterval;
    public long camera;
    public long canceler;
  }

  @Structure.FieldOrder({"size", "codec", "data", "dataSize", "timestamp", "keyFrame", "width", "height", "reserved"})
  class Frame extends Sized {
    public int codec;
    public Pointer data;
    public long dataSize;
    public long timestamp;
    public int keyFrame;
    public int width;
    public int height;
    public int reserved;

    Frame(Pointer memory) {
      super(memory);
    }
  }

  @Structure.FieldOrder({"size", "channelId", "participantId", "data", "dataSize", "sequence", "lossy", "reserved"})
  class Data extends Sized {
    public int channelId;
    public String participantId;
    public Pointer data;
    public long dataSize;
    public long sequence;
    public int lossy;
    public int reserved;

    Data(Pointer memory) {
      super(memory);
    }
  }

  @Structure.FieldOrder({"size", "type", "threadId", "id", "version", "sequence", "content"})
  class Message extends Sized {
    public int type;
    public String threadId;
    public String id;
    public String version;
    public String sequence;
    public String content;

    Message(Pointer memory) {
      super(memory);
    }
  }

  interface Released extends Callback {
    void call(Pointer user);
  }

  interface Refresh extends Callback {
    int call(Pointer user, Pointer token, long capacity);
  }

  interface OnIncoming extends Callback {
    void call(Pointer user, long incoming, Pointer info);
  }

  interface OnCallState extends Callback {
    void call(Pointer user, long call, int state);
  }

  interface OnCall extends Callback {
    void call(Pointer user, long call, Pointer what);
  }

  interface OnMessage extends Callback {
    void call(Pointer user, Pointer message, int change);
  }

  interface OnTyping extends Callback {
    void call(Pointer user, String thread, String sender, String name);
  }

  @Structure.FieldOrder({"size", "reserved", "userData", "released"})
  abstract class Callbacks extends Sized {
    public int reserved;
    public Pointer userData;
    public Released released;
  }

  @Structure.FieldOrder({"refreshToken"})
  class CredentialCallbacks extends Callbacks {
    public Refresh refreshToken;
  }

  @Structure.FieldOrder({"onIncomingCall", "onIncomingCallEnded", "onConnectionStateChanged"})
  class AgentCallbacks extends Callbacks {
    public OnIncoming onIncomingCall;
    public Pointer onIncomingCallEnded;
    public Pointer onConnectionStateChanged;
  }

  @Structure.FieldOrder({"onStateChanged", "onMediaStateChanged", "onParticipantChanged", "onMutedChanged", "onStats",
    "onVideoFrame", "onData", "onTone"})
  class CallCallbacks extends Callbacks {
    public OnCallState onStateChanged;
    public Pointer onMediaStateChanged;
    public Pointer onParticipantChanged;
    public Pointer onMutedChanged;
    public Pointer onStats;
    public OnCall onVideoFrame;
    public OnCall onData;
    public Pointer onTone;
  }

  @Structure.FieldOrder({"onMessage", "onThread", "onMember", "onTyping", "onReadReceipt", "onThreadState",
    "onConnectionChanged"})
  class ChatCallbacks extends Callbacks {
    public OnMessage onMessage;
    public Pointer onThread;
    public Pointer onMember;
    public OnTyping onTyping;
    public Pointer onReadReceipt;
    public Pointer onThreadState;
    public Pointer onConnectionChanged;
  }

  int parley_last_error(Failure failure);

  int parley_release(long object);

  void parley_free(Pointer memory);

  int parley_usage(LongByReference heap, IntByReference goroutines, IntByReference handles);

  int parley_credential_new(String token, CredentialCallbacks callbacks, LongByReference credential);

  int parley_client_new(ClientOptions options, Pointer log, LongByReference client);

  int parley_client_shutdown(long client);

  int parley_audio_write(long client, byte[] pcm, long size);

  int parley_audio_read(long client, byte[] pcm, long size);

  int parley_agent_new(long client, long credential, Pointer options, AgentCallbacks callbacks, LongByReference agent);

  int parley_agent_connection_state(long agent);

  int parley_call_start(long agent, String to, CallOptions options, CallCallbacks callbacks, LongByReference call);

  int parley_incoming_accept(long incoming, CallOptions options, CallCallbacks callbacks, LongByReference call);

  int parley_incoming_reject(long incoming, int busy);

  int parley_call_hang_up(long call);

  int parley_video_source_new(long client, int codec, Pointer callbacks, LongByReference source);

  int parley_video_source_send(long source, byte[] frame, long size, long timestamp, int keyFrame);

  int parley_data_sender_new(long call, int channel, int lossy, int bitrate, LongByReference sender);

  int parley_data_sender_send(long sender, byte[] data, long size);

  int parley_chat_new(long client, long credential, Pointer options, ChatCallbacks callbacks, LongByReference chat);

  int parley_chat_start(long chat);

  int parley_chat_thread(long chat, String id, LongByReference thread);

  int parley_thread_send(long thread, String content, Pointer options, PointerByReference id);

  int parley_thread_typing(long thread);
}
