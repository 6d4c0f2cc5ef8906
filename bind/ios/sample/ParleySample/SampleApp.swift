import SwiftUI

@main
struct SampleApp: App {
    @UIApplicationDelegateAdaptor(AppDelegate.self) private var delegate

    var body: some Scene {
        WindowGroup { RootView(model: delegate.model) }
    }
}

/// iOS starts the application for a VoIP push without a window: what takes the
/// call is made here, and not with the first view.
final class AppDelegate: NSObject, UIApplicationDelegate {
    let model = Model()

    func application(
        _ application: UIApplication, didFinishLaunchingWithOptions options: [UIApplication.LaunchOptionsKey: Any]? = nil
    ) -> Bool {
        model.resume()
        return true
    }

    func application(_ application: UIApplication, didRegisterForRemoteNotificationsWithDeviceToken token: Data) {
        model.notified(by: token)
    }

    func application(_ application: UIApplication, didFailToRegisterForRemoteNotificationsWithError error: Error) {
        model.failure = error.localizedDescription
    }
}

struct RootView: View {
    @ObservedObject var model: Model

    var body: some View {
        switch model.phase {
        case .signedOut: SignInView(model: model)
        case .connecting: ProgressView()
        case .signedIn:
            TabView {
                CallView(model: model).tabItem { Label("Call", systemImage: "phone") }
                ChatView(model: model).tabItem { Label("Chat", systemImage: "message") }
            }
        }
    }
}
