import java.io.File;
import java.io.FileInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.codehaus.mojo.animal_sniffer.SignatureChecker;
import org.codehaus.mojo.animal_sniffer.logging.Logger;

/**
 * Finds what classes use that Android does not have at a level: SIGNATURE CLASSES
 * ASKED. ASKED lists what is used behind a question for the version; what is used
 * and not there, and what is there and not used, ends it with 1.
 */
final class Levels {
    public static void main(String[] args) throws Exception {
        Set<String> used = new TreeSet<>();
        Set<String> own = Set.of("kotlin.*", "kotlinx.*", "go.*", "io.github.parleyrtc.*", "com.google.firebase.*");
        SignatureChecker checker = new SignatureChecker(new FileInputStream(args[0]), own, new Logger() {
            @Override public void info(String message) {}
            @Override public void info(String message, Throwable t) {}
            @Override public void debug(String message) {}
            @Override public void debug(String message, Throwable t) {}
            @Override public void warn(String message) {}
            @Override public void warn(String message, Throwable t) {}
            @Override public void error(String message) { used.add(message.replaceFirst("^.*Undefined reference: ", "")); }
            @Override public void error(String message, Throwable t) { used.add(message); }
        });
        checker.setSourcePath(List.of());
        checker.process(new File(args[1]));
        Set<String> asked = new HashSet<>();
        for (String line : Files.readAllLines(Path.of(args[2]))) {
            if (!line.isEmpty() && !line.startsWith("#")) {
                asked.add(line);
            }
        }
        boolean fits = true;
        for (String name : used) {
            if (!asked.remove(name)) {
                System.out.println("levels: too new: " + name);
                fits = false;
            }
        }
        for (String name : asked) {
            System.out.println("levels: not used any more: " + name);
            fits = false;
        }
        System.exit(fits ? 0 : 1);
    }
}
