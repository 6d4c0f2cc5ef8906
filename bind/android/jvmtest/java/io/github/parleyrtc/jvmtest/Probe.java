package io.github.parleyrtc.jvmtest;

import java.io.File;

/** What must not grow, measured. The native half is probe.go.txt. */
public final class Probe {
    private static final long QUIET = 3_000_000_000L;

    private Probe() {}

    public static native long goHeap();

    public static native long goroutines();

    /** A measurement after both collectors have done their work. */
    public static final class Sample {
        public final long goHeapKB, javaHeapKB, goroutines, threads, files;

        private Sample() {
            // What a call had goes some time after it, and what one collector frees lets
            // go of objects of the other one: again, until nothing becomes less.
            long[] least = now();
            for (long since = System.nanoTime(), begun = since; ; ) {
                long[] next = now();
                for (int i = 0; i < next.length; i++) {
                    if (next[i] < least[i]) {
                        if (next[i] < least[i] * 98 / 100) {
                            since = System.nanoTime();
                        }
                        least[i] = next[i];
                    }
                }
                long time = System.nanoTime();
                if (time - since > QUIET || time - begun > 10 * QUIET) {
                    break;
                }
            }
            goHeapKB = least[0];
            javaHeapKB = least[1];
            goroutines = least[2];
            threads = least[3];
            files = least[4];
        }

        private static long[] now() {
            System.gc();
            Runtime r = Runtime.getRuntime();
            return new long[] {
                goHeap() / 1024, (r.totalMemory() - r.freeMemory()) / 1024, Probe.goroutines(), count("/proc/self/task"), count("/proc/self/fd"),
            };
        }

        private static long count(String folder) {
            String[] names = new File(folder).list();
            return names == null ? -1 : names.length;
        }
    }

    public static Sample measure() {
        return new Sample();
    }

    public static void report(int calls, Sample first, Sample last) {
        System.out.println("calls " + calls);
        System.out.println("flat go-heap-KB " + first.goHeapKB + " " + last.goHeapKB);
        System.out.println("flat java-heap-KB " + first.javaHeapKB + " " + last.javaHeapKB);
        System.out.println("flat goroutines " + first.goroutines + " " + last.goroutines);
        System.out.println("flat threads " + first.threads + " " + last.threads);
        System.out.println("flat files " + first.files + " " + last.files);
    }
}
