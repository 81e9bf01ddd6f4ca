"""An API that verifies access tokens of Vestibule by itself, with the public keys of the issuer (RFC 9068).

The verification is done by joserfc; what is written here is what an API has to decide for itself.
"""

import math
import os
import sys
import threading
import time

import requests
from flask import Flask, jsonify, request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

PORT = int(os.environ.get("PORT", "3001"))
ISSUER = os.environ.get("ISSUER", "http://localhost:8000")
# What tokens have to name as their audience.
RESOURCE = os.environ.get("RESOURCE", f"http://localhost:{PORT}")

app = Flask(__name__)
stock = {"apples": 7}


class Refused(Exception):
    """The status and the parameters of the challenge (RFC 6750 §3)."""

    def __init__(self, status, **parameters):
        self.status = status
        metadata = f"{RESOURCE}/.well-known/oauth-protected-resource"
        pairs = {**parameters, "resource_metadata": metadata}.items()
        self.challenge = "Bearer " + ", ".join(f'{name}="{value}"' for name, value in pairs)


class NoKeys(Exception):
    """The issuer has not answered yet, so that no token can be verified."""


class Keys:
    """The keys of the issuer. They may be cached for five minutes, and are read again for a key id that is not among them.
    While the issuer does not answer, those of before are used."""

    def __init__(self):
        self.keys, self.read_at, self.lock = None, -math.inf, threading.Lock()

    def find(self, key_id):
        known = self.keys and any(key.kid == key_id for key in self.keys.keys)
        # Somebody who sends made-up key ids must not have us ask at each request. Without keys we ask more often.
        lifetime = 300 if known else 60 if self.keys else 5
        with self.lock:
            if is_due := time.monotonic() - self.read_at > lifetime:
                self.read_at = time.monotonic()
        if is_due:
            self.read()
        if not self.keys:
            raise NoKeys
        return self.keys

    def read(self):
        try:
            metadata = fetch(f"{ISSUER}/.well-known/oauth-authorization-server")
            self.keys = KeySet.import_key_set(fetch(metadata["jwks_uri"]))
        except (requests.RequestException, JoseError, LookupError, TypeError, ValueError) as error:
            print(f"The keys of the issuer cannot be read: {error!r}", file=sys.stderr)


def fetch(url):
    answer = requests.get(url, timeout=5)
    answer.raise_for_status()
    return answer.json()


keys = Keys()
claims_rules = jwt.JWTClaimsRegistry(
    leeway=30,
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": RESOURCE},
    exp={"essential": True},
)


def require(scope):
    """Returns the claims of the token of this request, if it has the scope."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(401)
    try:
        verified = jwt.decode(token, lambda unverified: keys.find(unverified.headers().get("kid")), algorithms=["ES256"])
        claims_rules.validate(verified.claims)
    except (JoseError, ValueError):
        raise Refused(401, error="invalid_token") from None
    # ID tokens have another type. A token that is bound to a key wants a proof, which this API does not check.
    if verified.header.get("typ") != "at+jwt" or "cnf" in verified.claims:
        raise Refused(401, error="invalid_token")
    if scope not in verified.claims.get("scope", "").split():
        raise Refused(403, error="insufficient_scope", scope=scope)
    return verified.claims


@app.errorhandler(Refused)
def refuse(refused):
    return jsonify(error=refused.challenge), refused.status, {"WWW-Authenticate": refused.challenge}


@app.errorhandler(NoKeys)
def cannot_verify(_):
    return jsonify(error="the issuer does not answer"), 503, {"Retry-After": "5"}


@app.get("/stock")
def read_stock():
    claims = require("stock:read")
    return jsonify(stock=stock, for_subject=claims["sub"])


@app.post("/stock/<item>")
def add_to_stock(item):
    require("stock:write")
    stock[item] = stock.get(item, 0) + 1
    return jsonify(stock=stock)


@app.get("/.well-known/oauth-protected-resource")
def metadata():
    """How clients find the issuer (RFC 9728)."""
    return jsonify(
        resource=RESOURCE,
        authorization_servers=[ISSUER],
        scopes_supported=["stock:read", "stock:write"],
        bearer_methods_supported=["header"],
    )


if __name__ == "__main__":
    print(f"The API is at {RESOURCE}", flush=True)
    app.run("127.0.0.1", PORT)
