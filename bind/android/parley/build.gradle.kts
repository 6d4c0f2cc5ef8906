plugins {
    id("com.android.library")
    id("org.jetbrains.kotlin.android")
    id("org.jetbrains.dokka")
    id("maven-publish")
}

android {
    namespace = "io.github.parleyrtc"
    compileSdk = 34

    defaultConfig {
        minSdk = 21
        consumerProguardFiles("consumer-rules.pro")
    }

    // What `make bind-android` leaves there: gobind's classes beside the layer, and
    // one library for each kind of processor, aligned to pages of 16 KB.
    sourceSets["main"].java.srcDir(layout.buildDirectory.dir("gobind/java").get().asFile)
    sourceSets["main"].jniLibs.srcDir(layout.buildDirectory.dir("gobind/jniLibs").get().asFile)

    packaging {
        jniLibs.useLegacyPackaging = false
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }

    publishing {
        singleVariant("release") { withSourcesJar() }
    }
}

kotlin {
    explicitApi()
    compilerOptions {
        jvmTarget.set(org.jetbrains.kotlin.gradle.dsl.JvmTarget.JVM_1_8)
    }
}

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.10.2")
}

publishing {
    publications {
        register<MavenPublication>("release") {
            groupId = "io.github.parleyrtc"
            artifactId = "parley-android"
            version = providers.gradleProperty("parleyVersion").getOrElse("0.0.0")
            afterEvaluate { from(components["release"]) }
        }
    }
}
