package android.content;

/** What is kept. */
public interface SharedPreferences {
    String getString(String name, String otherwise);

    Editor edit();

    /** Changes it. */
    interface Editor {
        Editor putString(String name, String value);

        Editor remove(String name);

        void apply();
    }
}
