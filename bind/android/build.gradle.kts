// The versions are those that bind/android/pom.xml compiles with where there is
// no Android SDK.
plugins {
    id("com.android.library") version "8.13.0" apply false
    id("com.android.application") version "8.13.0" apply false
    id("org.jetbrains.kotlin.android") version "2.2.20" apply false
    id("org.jetbrains.dokka") version "2.1.0" apply false
}
