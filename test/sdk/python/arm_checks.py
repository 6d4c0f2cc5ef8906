"""azure-mgmt-communication, and the resources it makes used through azure-communication-identity."""

from azure.communication.identity import CommunicationIdentityClient
from azure.core.exceptions import AzureError
from azure.mgmt.communication import CommunicationServiceManagementClient

import suite as s

GROUP = "sdk-python"
NAME = "sdk-python-one"
TYPE = "Microsoft.Communication/CommunicationServices"


def manage(credential):
    return CommunicationServiceManagementClient(
        credential, s.config["subscriptionId"], base_url=s.config["armEndpoint"], polling_interval=0)


def use(connection_string, **options):
    return CommunicationIdentityClient.from_connection_string(connection_string, **options)


def run():
    client = manage(s.Credential(token=s.config["armToken"]))
    services = client.communication_services

    def check(name, function):
        s.check(f"arm: {name}", function)

    def create(name=NAME, **tags):
        return services.begin_create_or_update(GROUP, name, {
            "location": "Global", "tags": tags, "properties": {"dataLocation": "UnitedStates"}}).result()

    def operations():
        names = [o.name.lower() for o in client.operations.list()]
        assert any(n.startswith("microsoft.communication/") for n in names), names

    check("operations", operations)

    def available(name):
        return services.check_name_availability({"name": name, "type": TYPE})

    def availability():
        assert available(NAME).name_available
        bad = available("no spaces")
        s.equal((bad.name_available, bad.reason), (False, "Invalid"))

    check("check_name_availability", availability)

    def created():
        made = create(team="alice")
        s.equal(made.name, NAME)
        s.equal(made.provisioning_state, "Succeeded")
        s.equal(made.data_location, "UnitedStates")
        s.equal(made.location.lower(), "global")
        s.equal(dict(made.tags), {"team": "alice"})
        got = services.get(GROUP, NAME)
        s.equal((got.id, got.immutable_resource_id, got.host_name), (made.id, made.immutable_resource_id, made.host_name))
        s.equal(available(NAME).reason, "AlreadyExists")
        s.equal(create(team="alice").immutable_resource_id, made.immutable_resource_id)

    check("begin_create_or_update and get", created)

    def lists():
        create("sdk-python-two")
        s.equal(sorted(r.name for r in services.list_by_resource_group(GROUP)), [NAME, "sdk-python-two"])
        names = [r.name for r in services.list_by_subscription()]
        assert NAME in names and "local" in names, names

    check("lists", lists)

    def update():
        s.equal(dict(services.update(GROUP, NAME, {"tags": {"team": "bob"}}).tags), {"team": "bob"})
        s.equal(dict(services.get(GROUP, NAME).tags), {"team": "bob"})

    check("update of tags", update)

    def keys():
        both = services.list_keys(GROUP, NAME)
        user = use(both.primary_connection_string).create_user()
        prefix = f"8:acs:{services.get(GROUP, NAME).immutable_resource_id.lower()}_"
        assert user.properties["id"].startswith(prefix), (user.properties["id"], prefix)
        use(both.secondary_connection_string).delete_user(user)
        other = use(s.config["connectionString"]).create_user()
        s.refused(lambda: use(both.primary_connection_string).get_token(other, ["chat"]), 401, "IdentityNotOwned")
        s.refused(lambda: use(f"endpoint={s.config['endpoint']};accesskey={both.primary_key}").create_user(), 401)

    check("both keys work, and only on their resource", keys)

    def regenerate(kind):
        part, other = kind.lower(), "secondary" if kind == "Primary" else "primary"
        old = services.list_keys(GROUP, NAME)
        before = use(getattr(old, f"{part}_connection_string"))
        before.create_user()
        fresh = services.regenerate_key(GROUP, NAME, {"keyType": kind})
        assert getattr(fresh, f"{part}_key") != getattr(old, f"{part}_key")
        s.refused(before.create_user, 401)
        now = services.list_keys(GROUP, NAME)
        s.equal(getattr(now, f"{other}_key"), getattr(old, f"{other}_key"))
        use(getattr(now, f"{part}_connection_string")).create_user()
        use(getattr(now, f"{other}_connection_string")).create_user()

    for kind in ("Primary", "Secondary"):
        check(f"regenerate_key {kind}", lambda kind=kind: regenerate(kind))
    check("an unknown key type is refused", lambda: s.refused(
        lambda: services.regenerate_key(GROUP, NAME, {"keyType": "Third"}), 400))

    def link():
        hub = (f"/subscriptions/{s.config['subscriptionId']}/resourceGroups/{GROUP}/providers"
               "/Microsoft.NotificationHubs/namespaces/n/notificationHubs/h")
        linked = services.link_notification_hub(GROUP, NAME, {
            "resourceId": hub, "connectionString": "Endpoint=sb://n.example/;SharedAccessKeyName=k;SharedAccessKey=c2VjcmV0"})
        s.equal(linked.resource_id, hub)
        s.equal(services.get(GROUP, NAME).notification_hub_id, hub)

    check("link_notification_hub", link)

    def email():
        s.equal(list(client.email_services.list_by_subscription()), [])
        s.refused(lambda: client.email_services.get(GROUP, "mail"), 404)

    check("e-mail services are not offered", email)

    def delete():
        before = use(services.list_keys(GROUP, NAME).primary_connection_string, retry_total=0)
        before.create_user()
        for name in (NAME, "sdk-python-two"):
            services.begin_delete(GROUP, name).result()
        s.refused(lambda: services.get(GROUP, NAME), 404)
        try:
            before.create_user()
        except AzureError:
            pass
        else:
            raise AssertionError("a deleted resource makes users")
        s.equal(list(services.list_by_resource_group(GROUP)), [])
        services.begin_delete(GROUP, NAME).result()

    check("begin_delete", delete)
    check("a token of another issuer is refused", lambda: s.refused(
        lambda: list(manage(s.Credential("untrusted")).communication_services.list_by_subscription()), 401))
