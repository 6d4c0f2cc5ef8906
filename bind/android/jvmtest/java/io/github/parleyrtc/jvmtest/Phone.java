package io.github.parleyrtc.jvmtest;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;

/** The audio threads and the camera of two phones. */
public final class Phone {
    private static final int BLOCK = 960; // 10 ms

    private Phone() {}

    /** A microphone or a loudspeaker. */
    public interface Pcm {
        int pass(byte[] pcm);
    }

    /** An encoder's output. */
    public interface Camera {
        boolean send(byte[] frame, long micros, boolean key);
    }

    /** Says the speech into alice's microphone and writes what bob's loudspeaker plays. */
    public static void talk(Pcm microphone, Pcm loudspeaker) throws IOException {
        byte[] speech = Files.readAllBytes(Paths.get(System.getenv("PARLEY_SPEECH")));
        byte[] in = new byte[BLOCK], out = new byte[BLOCK];
        int blocks = speech.length / BLOCK + 100;
        try (OutputStream heard = Files.newOutputStream(Paths.get(System.getenv("PARLEY_HEARD")))) {
            long start = System.nanoTime();
            for (int n = 0; n < blocks; n++) {
                long due = start + n * 10_000_000L;
                for (long left; (left = due - System.nanoTime()) > 0; ) {
                    LockSupport.parkNanos(left);
                }
                // A phone's audio threads are not kept waiting: after a long pause they
                // go on, and do not make up for it in a burst that would be dropped.
                long late = System.nanoTime() - due;
                if (late > 100_000_000L) {
                    start += late;
                }
                Arrays.fill(in, (byte) 0);
                int from = n * BLOCK;
                if (from < speech.length) {
                    System.arraycopy(speech, from, in, 0, Math.min(BLOCK, speech.length - from));
                }
                Checks.that(microphone.pass(in) == BLOCK, "the microphone was not taken");
                Checks.that(loudspeaker.pass(out) == BLOCK, "the loudspeaker was not filled");
                heard.write(out);
            }
        }
    }

    /** The frames of PARLEY_VIDEO, as an encoder would give them. */
    public static final class Video {
        private final List<byte[]> frames = new ArrayList<>();
        private final Set<ByteBuffer> known = new HashSet<>();
        private volatile boolean again;
        /** One entry each time the encoder was asked for a key frame. */
        public final BlockingQueue<Boolean> requests = new LinkedBlockingQueue<>();
        private volatile boolean stopped;

        public Video() throws IOException {
            Path folder = Paths.get(System.getenv("PARLEY_VIDEO"));
            Path[] paths;
            try (java.util.stream.Stream<Path> list = Files.list(folder)) {
                paths = list.sorted().toArray(Path[]::new);
            }
            for (Path p : paths) {
                byte[] frame = Files.readAllBytes(p);
                frames.add(frame);
                known.add(ByteBuffer.wrap(frame));
            }
        }

        /** The encoder is asked for a key frame: the first one is one. */
        public void keyFrame() {
            again = true;
            requests.add(true);
        }

        public boolean knows(byte[] frame) {
            return known.contains(ByteBuffer.wrap(frame));
        }

        public byte[] first() {
            return frames.get(0);
        }

        public void stop() {
            stopped = true;
        }

        public Thread start(Camera camera) {
            Thread thread = new Thread(() -> {
                long start = System.nanoTime();
                int at = 0;
                for (long n = 0; !stopped; n++) {
                    for (long due = start + n * 33_333_333L, left; (left = due - System.nanoTime()) > 0; ) {
                        LockSupport.parkNanos(left);
                    }
                    if (again || at == frames.size()) {
                        again = false;
                        at = 0;
                    }
                    boolean sent = camera.send(frames.get(at), n * 33_333, at == 0);
                    at = sent ? at + 1 : 0;
                }
            }, "camera");
            thread.setDaemon(true);
            thread.start();
            return thread;
        }
    }
}
