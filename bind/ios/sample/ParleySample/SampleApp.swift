import SwiftUI

@main
struct SampleApp: App {
    @StateObject private var model = Model()

    var body: some Scene {
        WindowGroup {
            if model.signedIn {
                TabView {
                    CallView(model: model).tabItem { Label("Call", systemImage: "phone") }
                    ChatView(model: model).tabItem { Label("Chat", systemImage: "message") }
                }
            } else {
                SignInView(model: model)
            }
        }
    }
}
