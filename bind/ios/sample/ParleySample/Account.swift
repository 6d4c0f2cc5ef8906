import Foundation
import Security

/// Who is signed in, kept over restarts: a push may start the application while
/// nobody is there to type. The token is a secret, so the keychain has it, readable
/// after the phone was unlocked once.
struct Account: Codable {
    var endpoint: String
    var token: String
    var authority: String

    private static let place: [CFString: Any] = [
        kSecClass: kSecClassGenericPassword, kSecAttrService: "parley-sample", kSecAttrAccount: "account",
    ]

    static func load() -> Account? {
        var query = place
        query[kSecReturnData] = true
        var found: CFTypeRef?
        guard SecItemCopyMatching(query as CFDictionary, &found) == errSecSuccess, let data = found as? Data else { return nil }
        return try? JSONDecoder().decode(Account.self, from: data)
    }

    static func remove() { SecItemDelete(place as CFDictionary) }

    func save() {
        Account.remove()
        var item = Account.place
        item[kSecValueData] = try? JSONEncoder().encode(self)
        item[kSecAttrAccessible] = kSecAttrAccessibleAfterFirstUnlock
        SecItemAdd(item as CFDictionary, nil)
    }
}
