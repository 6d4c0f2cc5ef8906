package io.github.parleyrtc.jvmtest;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/** Says what was found, in the words of test/bind/README.md. */
public final class Checks {
    /** Longer than anything takes on a busy machine. */
    public static final long LIMIT_SECONDS = 60;

    private boolean failed;

    public interface Check {
        void run() throws Throwable;
    }

    public void check(String name, Check check) {
        long begun = System.nanoTime();
        try {
            check.run();
            System.out.println("ok " + name);
        } catch (Throwable e) {
            failed = true;
            System.out.println("FAIL " + name + ": " + e);
            e.printStackTrace(System.out);
        }
        System.out.println("took " + (System.nanoTime() - begun) / 1_000_000 + " ms");
    }

    /** Ends the program: threads of Go would keep it. */
    public void exit() {
        System.exit(failed ? 1 : 0);
    }

    public static void that(boolean is, String what) {
        if (!is) {
            throw new AssertionError(what);
        }
    }

    public static <T> T take(BlockingQueue<T> queue, String what) throws InterruptedException {
        T got = queue.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
        that(got != null, what + " did not come");
        return got;
    }

    /** Takes until the wanted one comes. */
    public static <T> void takeUntil(BlockingQueue<T> queue, T wanted, String what) throws InterruptedException {
        while (!take(queue, what + " " + wanted).equals(wanted)) {
            continue;
        }
    }
}
