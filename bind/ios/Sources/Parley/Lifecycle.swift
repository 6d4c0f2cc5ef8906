import Foundation
import Network
import ParleyCore
#if canImport(UIKit)
import UIKit
#endif

/// Tells the library what the system tells an application: another network,
/// background and foreground (iOS takes the sockets of an application that sleeps),
/// and memory that runs out.
final class Lifecycle: @unchecked Sendable {
    private let monitor = NWPathMonitor()
    private let core: ParleyMobileClient
    private var observers: [NSObjectProtocol] = []
    private var interface: String? // of the monitor's queue

    init(_ core: ParleyMobileClient) {
        self.core = core
        monitor.pathUpdateHandler = { [weak self] path in self?.changed(path) }
        monitor.start(queue: DispatchQueue(label: "parley.network"))
        #if canImport(UIKit)
        on(UIApplication.willEnterForegroundNotification) { [weak self] in self?.core.enterForeground() }
        on(UIApplication.didEnterBackgroundNotification) { [weak self] in self?.core.enterBackground() }
        on(UIApplication.didReceiveMemoryWarningNotification) { [weak self] in self?.core.lowMemory() }
        #endif
    }

    private func on(_ name: Notification.Name, _ body: @escaping @Sendable () -> Void) {
        observers.append(NotificationCenter.default.addObserver(forName: name, object: nil, queue: nil) { _ in
            // Giving memory back takes some milliseconds, which are not the main thread's.
            DispatchQueue.global(qos: .utility).async(execute: body)
        })
    }

    /// The first path is no change, and neither is one over the same interface,
    /// unless there was none in between.
    private func changed(_ path: NWPath) {
        guard path.status == .satisfied else {
            interface = ""
            return
        }
        let name = path.availableInterfaces.first?.name ?? ""
        if let known = interface, known != name { core.networkChanged() }
        interface = name
    }

    func stop() {
        monitor.cancel()
        observers.forEach { NotificationCenter.default.removeObserver($0) }
        observers = []
    }
}
