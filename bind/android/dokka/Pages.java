import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jetbrains.dokka.DokkaBootstrapImpl;

/**
 * Makes the pages of a folder of Kotlin: OUT NAME TEXT CLASSPATH SOURCES. Whatever
 * Dokka warns of ends it with 1: a public name without a comment, a link that
 * leads nowhere.
 */
final class Pages {
    public static void main(String[] args) throws Exception {
        Map<String, Object> source = Map.of(
            "displayName", "android",
            "sourceSetID", Map.of("scopeId", "parley", "sourceSetName", "main"),
            "classpath", Arrays.asList(args[3].split(File.pathSeparator)),
            "sourceRoots", List.of(args[4]),
            "includes", List.of(args[2]),
            "reportUndocumented", true,
            "skipEmptyPackages", true,
            "noStdlibLink", true,
            "noJdkLink", true,
            "analysisPlatform", "jvm");
        Map<String, Object> configuration = Map.of(
            "moduleName", args[1],
            "outputDir", args[0],
            "offlineMode", true,
            "suppressInheritedMembers", true,
            "sourceSets", List.of(source));
        List<String> wrong = new ArrayList<>();
        DokkaBootstrapImpl dokka = new DokkaBootstrapImpl();
        dokka.configure(new ObjectMapper().writeValueAsString(configuration), (level, line) -> {
            if (level.equals("warn") || level.equals("error")) {
                wrong.add(line);
            }
        });
        try {
            dokka.generate();
        } catch (Throwable e) {
            // Threads of Dokka's would keep the program.
            wrong.add(e.toString());
            e.printStackTrace(System.out);
        }
        wrong.forEach(line -> System.out.println("reference: " + line));
        System.exit(wrong.isEmpty() ? 0 : 1);
    }
}
