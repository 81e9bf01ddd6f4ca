"""An application that uses Authlib.

It takes ISSUER, USERS_URL, ADMIN_TOKEN, REDIRECT_URI, POST_LOGOUT_URI, USER_NAME and PASSWORD from the environment and the chapters
from the command line. It prints the name of each chapter that ended well; a failed assertion ends it.
"""

import os
import sys
from urllib.parse import parse_qs, urlsplit

# The services of the tests have no certificates.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from authlib.integrations.base_client import BaseApp
from authlib.integrations.base_client.sync_app import OAuth2Mixin
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey

from visitor import Visitor

ISSUER, USERS_URL = os.environ["ISSUER"], os.environ["USERS_URL"]
REDIRECT_URI, POST_LOGOUT_URI = os.environ["REDIRECT_URI"], os.environ["POST_LOGOUT_URI"]
USER_NAME, PASSWORD = os.environ["USER_NAME"], os.environ["PASSWORD"]
SCOPE = "openid profile email offline_access"


class Application(OAuth2Mixin, OpenIDMixin, BaseApp):
    """An application as the integrations of Authlib for web frameworks make it, without a framework."""

    client_cls = OAuth2Session

    def __init__(self, client, secret, method="client_secret_basic", **more):
        super().__init__(
            None,
            client_id=client["client_id"],
            client_secret=secret,
            server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
            client_kwargs={"scope": SCOPE, "code_challenge_method": "S256", "token_endpoint_auth_method": method},
            **more,
        )
        self.visitor = Visitor(ISSUER)

    def authorize(self, **more):
        """Signs a person in and returns the parameters of the response, with what the application remembered."""
        asked = self.create_authorization_url(REDIRECT_URI, **more)
        back = self.visitor.sign_in(asked["url"], USER_NAME, PASSWORD)
        assert back.startswith(REDIRECT_URI + "?"), back
        response = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
        assert response["state"] == asked["state"]
        assert response["iss"] == ISSUER
        return response, asked

    def redeem(self, response, asked, **changes):
        parameters = {"redirect_uri": REDIRECT_URI, "code": response["code"], "code_verifier": asked["code_verifier"]}
        return self.fetch_access_token(**(parameters | changes))

    def sign_in(self):
        response, asked = self.authorize()
        token = self.redeem(response, asked)
        return token, self.parse_id_token(token, asked["nonce"])

    def session(self, token=None):
        session = self._get_oauth_client(**self.load_server_metadata())
        session.update_token = None
        session.token = token
        return session

    def endpoint(self, name):
        return self.load_server_metadata()[name]

    def introspect(self, token):
        answer = self.session().introspect_token(self.endpoint("introspection_endpoint"), token)
        answer.raise_for_status()
        return answer.json()

    def userinfo_status(self, token):
        return self.get(self.endpoint("userinfo_endpoint"), token=token).status_code


def register(**metadata):
    metadata = {
        "redirect_uris": [REDIRECT_URI],
        "post_logout_redirect_uris": [POST_LOGOUT_URI],
        "scope": SCOPE,
        **metadata,
    }
    headers = {"authorization": f"Bearer {os.environ['ADMIN_TOKEN']}"}
    answer = requests.post(f"{ISSUER}/admin/v1/clients", json=metadata, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def with_secret(**metadata):
    client = register(client_name="Authlib with a secret", **metadata)
    return Application(client, client["client_secret"])


def with_key(alg="ES256", audience=ISSUER):
    """An application that authenticates with assertions. Authlib names the token endpoint as their audience unless it is given one."""
    key = ECKey.generate_key("P-256", {"kid": "mine", "use": "sig", "alg": alg})
    client = register(
        client_name="Authlib with a key",
        token_endpoint_auth_method="private_key_jwt",
        token_endpoint_auth_signing_alg=alg,
        jwks={"keys": [key.as_dict(private=False)]},
    )
    method = PrivateKeyJWT(audience, alg=alg)
    return Application(client, key, "private_key_jwt", client_auth_methods=[method])


def refusal(call, *arguments, **named):
    """The error code of a refused token request."""
    try:
        call(*arguments, **named)
    except OAuthError as error:
        assert error.description, error
        return error.error
    raise AssertionError("nothing was refused")


def goes_through_a_life(application):
    token, claims = application.sign_in()
    assert claims["iss"] == ISSUER and claims["sub"]
    userinfo = application.userinfo(token=token)
    assert userinfo["sub"] == claims["sub"]
    assert userinfo["preferred_username"] == USER_NAME and userinfo["email"] == f"{USER_NAME}@example.com"
    assert application.get(f"{USERS_URL}/user", token=token).json()["id"] == claims["sub"]

    session = application.session(token)
    refreshed = dict(session.refresh_token(application.endpoint("token_endpoint")))
    assert refreshed["refresh_token"] != token["refresh_token"] and refreshed["access_token"] != token["access_token"]
    known = application.introspect(refreshed["access_token"])
    assert known["active"] and known["sub"] == claims["sub"] and known["client_id"] == application.client_id
    assert set(known["scope"].split()) == set(SCOPE.split())

    session.revocation_endpoint_auth_method = session.token_endpoint_auth_method
    revoked = session.revoke_token(application.endpoint("revocation_endpoint"), refreshed["refresh_token"])
    assert revoked.status_code == 200, revoked.text
    assert not application.introspect(refreshed["access_token"])["active"]
    assert refusal(session.refresh_token, application.endpoint("token_endpoint")) == "invalid_grant"
    assert application.userinfo_status(refreshed) == 401


def secret():
    goes_through_a_life(with_secret())


def posted_secret():
    client = register(client_name="Authlib with a posted secret", token_endpoint_auth_method="client_secret_post")
    goes_through_a_life(Application(client, client["client_secret"], "client_secret_post"))


def private_key():
    application = with_key()
    goes_through_a_life(application)
    # RFC 7523: the audience is the issuer, and the error says so.
    wrong = with_key(audience=application.endpoint("token_endpoint"))
    response, asked = wrong.authorize()
    assert refusal(wrong.redeem, response, asked) == "invalid_client"


def algorithms():
    """Authlib verifies ID tokens of every algorithm of the metadata that signs at once."""
    for alg in ["RS256", "ES256"]:
        application = with_secret(id_token_signed_response_alg=alg)
        application.sign_in()


def sign_out():
    application = with_secret()
    token, claims = application.sign_in()
    again, _ = application.authorize(prompt="none")
    assert "code" in again
    left = application.create_logout_url(POST_LOGOUT_URI, token["id_token"])
    assert application.visitor.open(left["url"]) == f"{POST_LOGOUT_URI}?state={left['state']}"
    after, _ = application.authorize(prompt="none")
    assert after["error"] == "login_required"


def errors():
    application = with_secret()
    other = with_secret()
    endpoint = application.endpoint("token_endpoint")

    # The browser stays here when the client or the redirect URI is wrong.
    for changes in [{"redirect_uri": "https://mallory.example/"}, {"redirect_uri": REDIRECT_URI + "/more"}]:
        page = application.visitor.open(application.create_authorization_url(**changes)["url"])
        assert not isinstance(page, str) and page.status_code == 400, page
    refused, _ = application.authorize(response_type="token")
    assert refused["error"] == "unsupported_response_type"

    # Codes: with another verifier, another redirect URI, a wrong secret, of another client, and twice.
    response, asked = application.authorize()
    assert refusal(application.redeem, response, asked, code_verifier="x" * 43) == "invalid_grant"
    response, asked = application.authorize()
    assert refusal(application.redeem, response, asked, redirect_uri="https://mallory.example/") == "invalid_grant"
    response, asked = application.authorize()
    stranger = Application({"client_id": application.client_id}, "guessed")
    assert refusal(stranger.redeem, response, asked) == "invalid_client"
    assert refusal(other.redeem, response, asked) == "invalid_grant"
    response, asked = application.authorize()
    token = application.redeem(response, asked)
    assert refusal(application.redeem, response, asked) == "invalid_grant"
    assert refusal(application.session(token).refresh_token, endpoint) == "invalid_grant"
    assert application.userinfo_status(token) == 401

    # Refresh tokens: of another client, and made up.
    token, _ = application.sign_in()
    assert refusal(other.session(token).refresh_token, endpoint) == "invalid_grant"
    made_up = {"refresh_token": "made-up", "token_type": "Bearer"}
    assert refusal(application.session(made_up).refresh_token, endpoint) == "invalid_grant"
    assert application.userinfo_status(token | {"access_token": token["access_token"][:-4] + "AAAA"}) == 401

    # What is more than the client is registered for.
    assert refusal(application.session().fetch_token, endpoint, grant_type="client_credentials") == "unauthorized_client"
    assert refusal(application.session().fetch_token, endpoint, grant_type="password") == "unsupported_grant_type"


def main():
    for name in sys.argv[1:]:
        globals()[name]()
        print(name, flush=True)


main()
