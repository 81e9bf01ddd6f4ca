"""Tokens that examples/api-python/api.py must accept or refuse, from an issuer that this program plays.

api.rs runs it with the packages of the example. The example is imported as it is; only its calls to the issuer and
its clock are replaced.
"""

import base64
import hmac
import json
import os
import sys
import time

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

ISSUER, STOCK = "https://id.example.org", "https://stock.example.org"
os.environ.update(ISSUER=ISSUER, RESOURCE=STOCK)
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../../examples/api-python"))
import api  # noqa: E402

first, second, unpublished = (ECKey.generate_key("P-256", {"kid": name}) for name in ("first", "second", "unpublished"))
rsa = RSAKey.generate_key(2048, {"kid": "rsa"})


class Issuer:
    """Answers the example in place of the network, and counts the reads of its keys."""

    def __init__(self):
        self.published, self.failure, self.reads = [first, rsa], None, 0

    def fetch(self, url):
        if url == f"{ISSUER}/.well-known/oauth-authorization-server":
            self.reads += 1
            if self.failure:
                raise self.failure
            return {"jwks_uri": f"{ISSUER}/keys"}
        assert url == f"{ISSUER}/keys", url
        return {"keys": [key.as_dict(private=False) for key in self.published]}


class Clock:
    """A clock that is turned by hand. It begins at zero, as one of a machine that was just started does."""

    now = 0.0

    def monotonic(self):
        return self.now


issuer, clock = Issuer(), Clock()
api.fetch, api.time = issuer.fetch, clock
client = api.app.test_client()


def token(key=first, algorithm="ES256", kid=None, typ="at+jwt", **changes):
    """An access token. A claim that is None is left out."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": STOCK,
        "sub": "ann",
        "client_id": "report",
        "scope": "stock:read",
        "iat": now,
        "exp": now + 300,
    } | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    header = {"alg": algorithm, "kid": kid or key.kid, "typ": typ}
    header = {name: value for name, value in header.items() if value is not None}
    return jwt.encode(header, claims, key, algorithms=[algorithm])


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(algorithm, sign):
    """The token with another algorithm, which the library would not sign with."""
    header = encoded(json.dumps({"alg": algorithm, "typ": "at+jwt", "kid": "first"}).encode())
    text = f"{header}.{token().split('.')[1]}"
    return f"{text}.{encoded(sign(text.encode()))}"


def sign_with_public_key(text):
    return hmac.digest(first.as_pem(private=False), text, "sha256")


def ask(sent, scheme="Bearer"):
    """The status and the challenge of the API for this token."""
    clock.now += 0.01
    answer = client.get("/stock", headers={"Authorization": f"{scheme} {sent}"})
    return answer.status_code, answer.headers.get("WWW-Authenticate", ""), answer.headers.get("Retry-After")


def expect(name, status, challenge, answer):
    assert answer[0] == status and answer[1].startswith(challenge), f"{name}: {answer}"


# While the issuer cannot be read, nothing is verified, and strangers cause one call in five seconds.
for failure in [api.requests.ConnectionError("down"), json.JSONDecodeError("no JSON", "<html>", 0)]:
    issuer.failure, before = failure, issuer.reads
    for _ in range(20):
        answer = ask(token())
        assert (answer[0], answer[2]) == (503, "5"), answer
    assert issuer.reads == before + 1, f"{failure}: {issuer.reads - before} calls"
    clock.now += 6
issuer.failure = None

ACCEPTED, INVALID, TOO_LITTLE = (200, ""), (401, 'Bearer error="invalid_token"'), (403, 'Bearer error="insufficient_scope"')
now = int(time.time())
for name, sent, (status, challenge) in [
    ("an access token", token(), ACCEPTED),
    ("several audiences", token(aud=["https://other.example.org", STOCK]), ACCEPTED),
    ("several scopes", token(scope="stock:write stock:read"), ACCEPTED),
    ("expired, within what clocks may differ", token(exp=now - 5), ACCEPTED),
    ("expired", token(exp=now - 60), INVALID),
    ("without an end", token(exp=None), INVALID),
    ("an ID token", token(typ="JWT", scope=None), INVALID),
    ("an ID token with a scope", token(typ="JWT"), INVALID),
    ("without a type", token(typ=None), INVALID),
    ("of another issuer", token(iss="https://other.example.org"), INVALID),
    ("of the issuer with a slash", token(iss=f"{ISSUER}/"), INVALID),
    ("without an issuer", token(iss=None), INVALID),
    ("for another API", token(aud="https://other.example.org"), INVALID),
    ("for nobody", token(aud=None), INVALID),
    ("bound to a key", token(cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}), INVALID),
    ("bound to a certificate", token(cnf={"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}), INVALID),
    ("of a key that is not published", token(unpublished), INVALID),
    ("of another key under a published id", token(unpublished, kid="first"), INVALID),
    ("of another algorithm", token(rsa, "RS256"), INVALID),
    ("signed with the public key as a secret", forged("HS256", sign_with_public_key), INVALID),
    ("not signed", forged("none", lambda _: b""), INVALID),
    ("no token", "nonsense", INVALID),
    ("without a scope", token(scope=None), TOO_LITTLE),
    ("of another scope", token(scope="stock:read-more"), TOO_LITTLE),
]:
    expect(name, status, challenge, ask(sent))
expect("another scheme", 401, "Bearer resource_metadata=", ask(token(), "DPoP"))

# A new key is found when a token has it, at the earliest a minute after the last read. Then one read is enough for all.
issuer.published, before = [first, second], issuer.reads
for _ in range(20):
    expect("a new key, too early", *INVALID, ask(token(second)))
assert issuer.reads == before
clock.now += 61
expect("a new key", *ACCEPTED, ask(token(second)))
expect("the key of before", *ACCEPTED, ask(token()))
for _ in range(20):
    expect("an unknown key", *INVALID, ask(token(unpublished)))
assert issuer.reads == before + 1

# The keys of before are used while the issuer is away, and a key that it took back is forgotten.
issuer.failure, clock.now = api.requests.ConnectionError("down"), clock.now + 301
expect("the issuer is away", *ACCEPTED, ask(token()))
issuer.failure, issuer.published, clock.now = None, [second], clock.now + 301
expect("a key that was taken back", *INVALID, ask(token()))
expect("the key that is left", *ACCEPTED, ask(token(second)))
print("api-python: all as expected")
