package android.util;

/** Says it on standard error. */
public final class Log {
    public static int w(String tag, String text) {
        System.err.println(tag + ": " + text);
        return 0;
    }
}
