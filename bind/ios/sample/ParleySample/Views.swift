import Parley
import SwiftUI

struct SignInView: View {
    @ObservedObject var model: Model

    var body: some View {
        Form {
            TextField("https://host:port", text: $model.endpoint).autocapitalization(.none).keyboardType(.URL)
            SecureField("Token", text: $model.token)
            TextField("Authority (PEM), or nothing", text: $model.authority)
            Button("Sign in") { model.signIn() }.disabled(model.endpoint.isEmpty || model.token.isEmpty)
            if model.isKnown {
                Button("Try again as before") { model.resume() }
                Button("Forget who was signed in") { model.signOut() }.foregroundColor(.red)
            }
            if !model.failure.isEmpty { Text(model.failure).foregroundColor(.red) }
        }
    }
}

struct CallView: View {
    @ObservedObject var model: Model
    @State private var target = ""

    var body: some View {
        VStack(spacing: 16) {
            if model.call == nil {
                TextField("8:acs:…", text: $target).autocapitalization(.none).textFieldStyle(RoundedBorderTextFieldStyle())
                HStack {
                    Button("Call") { model.start(target, video: false) }
                    Button("Video") { model.start(target, video: true) }
                }.disabled(target.isEmpty)
                Button("Sign out") { model.signOut() }.foregroundColor(.red)
            } else {
                VideoView(screen: model.screen)
                Text(String(describing: model.state))
                HStack {
                    Button("Mute") { model.toggleMute() }
                    Button("Camera") { model.toggleVideo() }
                    Button("Hang up") { model.hangUp() }.foregroundColor(.red)
                }
            }
            if !model.failure.isEmpty { Text(model.failure).foregroundColor(.red) }
        }
        .padding()
    }
}

struct ChatView: View {
    @ObservedObject var model: Model
    @State private var text = ""

    var body: some View {
        VStack {
            TextField("Thread", text: $model.thread, onCommit: { model.attempt { try await model.load() } })
                .autocapitalization(.none).textFieldStyle(RoundedBorderTextFieldStyle())
            List(model.messages) { message in
                VStack(alignment: .leading) {
                    Text(message.senderDisplayName.isEmpty ? message.senderID : message.senderDisplayName).font(.caption)
                    Text(message.content)
                }
            }
            Text(model.typing).font(.caption)
            HStack {
                TextField("Message", text: $text).textFieldStyle(RoundedBorderTextFieldStyle())
                    .onChange(of: text) { _ in model.isTyping() }
                Button("Send") {
                    model.send(text)
                    text = ""
                }.disabled(text.isEmpty)
            }
        }.padding()
    }
}

struct VideoView: UIViewRepresentable {
    let screen: VideoScreen

    func makeUIView(context: Context) -> UIView { screen }
    func updateUIView(_ view: UIView, context: Context) {}
}
