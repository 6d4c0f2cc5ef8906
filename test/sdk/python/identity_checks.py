"""azure-communication-identity, and its identifiers and token credential."""

import asyncio
from datetime import timedelta

import certifi
from azure.communication.identity import CommunicationIdentityClient, CommunicationUserIdentifier, identifier_from_raw_id
from azure.communication.identity.aio import CommunicationIdentityClient as AsyncClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ServiceRequestError

import suite as s

SCOPES = ["chat", "voip", "chat.join", "chat.join.limited", "voip.join"]


def raw(user):
    return user.properties["id"]


def connect(**options):
    return CommunicationIdentityClient.from_connection_string(s.config["connectionString"], **options)


def run():
    client = connect()

    def check(name, function):
        s.check(f"identity: {name}", function)

    def create_user():
        user = client.create_user()
        assert s.USER.match(raw(user)), raw(user)
        parsed = identifier_from_raw_id(raw(user))
        assert isinstance(parsed, CommunicationUserIdentifier)
        s.equal(parsed.raw_id, raw(user))

    check("create_user", create_user)

    def create_user_and_token():
        user, token = client.create_user_and_token(SCOPES)
        claims = s.claims_of(token.token)
        s.equal(f"8:{claims['skypeid']}", raw(user))
        s.equal(claims["acsScope"].split(","), SCOPES)
        s.equal(s.minutes_left(token.expires_on), 1440)
        s.equal(s.minutes_left(claims["exp"]), 1440)
        s.accepted(token.token, raw(user))

    check("create_user_and_token", create_user_and_token)

    def lifetimes():
        for minutes in (60, 90, 1440):
            user, token = client.create_user_and_token(["chat"], token_expires_in=timedelta(minutes=minutes))
            s.equal(s.minutes_left(token.expires_on), minutes)
            issued = client.get_token(user, ["chat"], token_expires_in=timedelta(minutes=minutes))
            s.equal(s.minutes_left(issued.expires_on), minutes)
            s.equal(s.minutes_left(s.claims_of(issued.token)["exp"]), minutes)

    check("lifetimes", lifetimes)

    for minutes in (59, 1441):
        check(f"a lifetime of {minutes} minutes is refused", lambda minutes=minutes: s.refused(
            lambda: client.create_user_and_token(["chat"], token_expires_in=timedelta(minutes=minutes)),
            400, "ValidationError", "ExpiresInMinutes"))

    def scopes():
        user = client.create_user()
        for scope in SCOPES:
            s.equal(s.claims_of(client.get_token(user, [scope]).token)["acsScope"], scope)

    check("get_token with each scope", scopes)
    check("an unknown scope is refused", lambda: s.refused(lambda: client.get_token(client.create_user(), ["everything"]), 400))
    check("no scopes are refused", lambda: s.refused(lambda: client.get_token(client.create_user(), []), 400, "ValidationError"))
    check("a user of another resource is refused", lambda: s.refused(
        lambda: client.get_token(CommunicationUserIdentifier(s.config["foreignUser"]), ["chat"]), 401, "IdentityNotOwned"))

    def revoke():
        user, token = client.create_user_and_token(["voip"])
        s.accepted(token.token, raw(user))
        agent = s.helper("/agent/open", token=token.token)
        client.revoke_tokens(user)
        s.refused_token(token.token)
        assert s.helper("/agent/ended", **agent)["ended"], "the open connection lives on"
        s.accepted(client.get_token(user, ["voip"]).token, raw(user))

    check("revoke_tokens ends tokens and lets new ones be issued", revoke)

    def delete():
        user, token = client.create_user_and_token(["voip"])
        client.delete_user(user)
        s.refused_token(token.token)
        s.refused(lambda: client.get_token(user, ["chat"]), 401, "IdentityNotOwned")

    check("delete_user", delete)

    def teams(token, user):
        return client.get_token_for_teams_user(token, s.config["teams"]["clientId"], user)

    def teams_user():
        token = teams(s.foreign("teams"), s.config["teams"]["userObjectId"])
        assert 0 < s.minutes_left(token.expires_on) <= 1440
        assert s.claims_of(token.token)["exp"] > 0

    check("get_token_for_teams_user", teams_user)
    check("get_token_for_teams_user for somebody else is refused", lambda: s.refused(
        lambda: teams(s.foreign("teams"), s.config["teams"]["tenantId"]), 401))
    check("get_token_for_teams_user with no token of the issuer is refused", lambda: s.refused(
        lambda: teams("invalid", s.config["teams"]["userObjectId"]), 401, "InvalidAccessToken"))

    def version(api_version):
        old = connect(api_version=api_version)
        user, token = old.create_user_and_token(["chat", "voip"])
        s.accepted(token.token, raw(user))
        s.accepted(old.get_token(user, ["voip"]).token, raw(user))
        old.revoke_tokens(user)
        s.refused_token(token.token)
        old.delete_user(user)

    for api_version in ("2021-03-07", "2022-06-01", "2022-10-01"):
        check(f"api-version {api_version}", lambda api_version=api_version: version(api_version))

    def keyed(key):
        return CommunicationIdentityClient(s.config["endpoint"], AzureKeyCredential(key))

    check("endpoint and key credential", lambda: keyed(s.config["accessKey"]).create_user())
    check("a wrong key is refused", lambda: s.refused(keyed(s.OTHER_KEY).create_user, 401))

    def bearer(**claims):
        return CommunicationIdentityClient(s.config["endpoint"], s.Credential("service", **claims))

    def with_bearer():
        user, token = bearer().create_user_and_token(["voip"])
        s.accepted(token.token, raw(user))
        bearer().delete_user(user)

    check("a bearer token of the trusted issuer", with_bearer)
    check("a bearer token for another audience is refused", lambda: s.refused(bearer(aud="https://example.com").create_user, 401))
    check("an expired bearer token is refused", lambda: s.refused(bearer(exp=1_700_000_000).create_user, 401))

    def limited():
        seen = []
        slow = CommunicationIdentityClient.from_connection_string(s.config["limitedConnectionString"])
        for _ in range(s.config["limit"] + 1):
            slow.create_user(raw_response_hook=lambda response: seen.append(response.http_response.status_code))
        s.equal(seen.count(201), s.config["limit"] + 1)
        assert 429 in seen, seen

    check("429 is waited out and repeated", limited)

    def untrusted():
        try:
            connect(connection_verify=certifi.where(), retry_total=0).create_user()
        except ServiceRequestError as error:
            assert "CERTIFICATE_VERIFY_FAILED" in str(error), error
            return
        raise AssertionError("a user was created")

    check("without the CA nothing is sent", untrusted)

    async def asynchronous():
        async with AsyncClient.from_connection_string(s.config["connectionString"]) as many:
            user, token = await many.create_user_and_token(["voip"])
            s.accepted(token.token, raw(user))
            s.accepted((await many.get_token(user, ["voip"])).token, raw(user))
            await many.revoke_tokens(user)
            s.refused_token(token.token)
            await many.delete_user(user)

    check("the asynchronous client", lambda: asyncio.run(asynchronous()))
