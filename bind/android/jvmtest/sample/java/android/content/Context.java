package android.content;

import java.io.File;

/** What the session needs of Android, on the desktop. */
public class Context {
    private final SharedPreferences kept = new Kept();

    public SharedPreferences getSharedPreferences(String name, int mode) {
        return kept;
    }

    public File getFilesDir() {
        return new File(System.getenv("PARLEY_DIR"));
    }
}
