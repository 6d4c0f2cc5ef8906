"""What the checks of all packages share: the runner's configuration, its helper, and a count."""

import base64
import json
import os
import re
import time
import traceback
import urllib.request

import isodate
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError

with open(os.environ["PARLEY_SDK"], encoding="utf-8") as file:
    config = json.load(file)

GUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
USER = re.compile(f"^8:acs:{GUID}_{GUID}$")
OTHER_KEY = base64.b64encode(bytes([7] * 64)).decode()

_passed = 0
_failed = 0


def check(name, run):
    """Runs one check and prints its line."""
    global _passed, _failed
    try:
        run()
    except Exception as error:  # whatever it is, the check did not pass
        _failed += 1
        where = traceback.extract_tb(error.__traceback__)[-3:]
        places = "".join(f"\n       {frame.filename}:{frame.lineno}" for frame in where)
        text = str(error).replace("\n", "; ")
        print(f"FAIL {name}: {type(error).__name__}: {text}{places}", flush=True)
    else:
        _passed += 1
        print(f"ok   {name}", flush=True)


def finish():
    """Prints the count that the runner reads and returns the exit code."""
    print(f"suite: {_passed} passed, {_failed} failed", flush=True)
    return 1 if _failed else 0


def equal(got, want):
    assert got == want, f"got {got!r}, want {want!r}"


def helper(path, **body):
    """Asks the runner to do what the packages cannot."""
    request = urllib.request.Request(config["helper"] + path, data=json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def accepted(token, user_id=None):
    """Checks that an agent can sign in with a token, and whose it is."""
    answer = helper("/token", token=token)
    assert answer["accepted"], f"the token is refused: {answer['reason']}"
    if user_id is not None:
        equal(answer["userId"], user_id)


def refused_token(token):
    """Checks that no agent can sign in with a token."""
    assert not helper("/token", token=token)["accepted"], "the token is accepted"


def foreign(kind, **claims):
    """Returns a token of the issuer that the service trusts."""
    return helper("/foreign", kind=kind, claims=claims)["token"]


class Credential:
    """A TokenCredential of the runner's issuer, or of one given token."""

    def __init__(self, kind=None, token=None, **claims):
        self.kind, self.token, self.claims = kind, token, claims

    def get_token(self, *_scopes, **_options):
        return AccessToken(self.token or foreign(self.kind, **self.claims), int(time.time()) + 3600)


def refused(call, status, code=None, target=None):
    """Checks status, and code and target where they are given."""
    try:
        call()
    except HttpResponseError as error:
        equal(error.status_code, status)
        if code is not None:
            equal(error.error.code, code)
        if target is not None:
            equal(error.error.target, target)
        return
    raise AssertionError("the call succeeded")


def minutes_left(when):
    """How long something is good for, rounded to minutes; the package leaves the service's text as it is."""
    seconds = isodate.parse_datetime(when).timestamp() if isinstance(when, str) else when
    return round((seconds - time.time()) / 60)


def claims_of(token):
    """Reads a token without checking it, as apps do."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
