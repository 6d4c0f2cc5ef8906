package android.content;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Keeps it as long as the program runs. */
final class Kept implements SharedPreferences, SharedPreferences.Editor {
    private final Map<String, String> values = new ConcurrentHashMap<>();

    @Override public String getString(String name, String otherwise) {
        // The position is the first that chat asks for.
        if (name.startsWith("position") && System.getProperties().remove("chat begins") instanceof Runnable begun) {
            begun.run();
        }
        return values.getOrDefault(name, otherwise);
    }

    @Override public Editor edit() {
        return this;
    }

    @Override public Editor putString(String name, String value) {
        if (value == null) {
            return remove(name);
        }
        values.put(name, value);
        return this;
    }

    @Override public Editor remove(String name) {
        values.remove(name);
        return this;
    }

    @Override public void apply() {}
}
