"""A web application that signs people in through Vestibule, and shows their profile.

Authorization code with PKCE, a confidential client, sessions in memory. Everything that belongs to signing in is done by
Authlib; what is written here is what an application has to decide for itself.
"""

import os
import secrets
import sys
import time

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import Flask, Response, redirect, render_template_string, request, session
from joserfc.errors import JoseError
from requests import RequestException

PORT = int(os.environ.get("PORT", "3000"))
HERE = os.environ.get("BASE_URL", f"http://localhost:{PORT}")
ISSUER = os.environ.get("ISSUER", "http://localhost:8000")
USERS = os.environ.get("USERS_URL", "http://localhost:8001")

if "CLIENT_ID" not in os.environ:
    sys.exit(f"""Set CLIENT_ID and CLIENT_SECRET to what this prints:
  vestibule client add 'Web example' --redirect-uri {HERE}/callback --post-logout-redirect-uri {HERE}/""")

# The session of a person ends after a working day, whatever the browser does.
SESSION_SECONDS = 8 * 3600
SECURE = HERE.startswith("https:")

app = Flask(__name__)
# Signs the cookie, which is sent over https alone where the application has it.
app.config.update(
    SECRET_KEY=secrets.token_bytes(32),
    SESSION_COOKIE_NAME="__Host-session" if SECURE else "session",
    SESSION_COOKIE_SAMESITE="Lax",
    SESSION_COOKIE_SECURE=SECURE,
)

vestibule = OAuth(app).register(
    "vestibule",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ.get("CLIENT_SECRET"),
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256", "default_timeout": 10},
)

# Session id → the tokens of the person, and the time at which the session ends. The cookie has the id, and while somebody signs in what Authlib keeps of the request. It is
# signed, and not secret from the browser.
tokens = {}


def sign_in_to_session(token):
    """Gives the session a new id, so that a planted cookie is worth nothing."""
    sign_out_of_session()
    for ended in [key for key, kept in list(tokens.items()) if kept["session_ends_at"] < time.time()]:
        tokens.pop(ended, None)
    session["id"] = secrets.token_urlsafe(32)
    tokens[session["id"]] = {**token, "session_ends_at": time.time() + SESSION_SECONDS}


def token_of_session():
    token = tokens.get(session.get("id"))
    return token if token and time.time() < token["session_ends_at"] else None


def sign_out_of_session():
    token = tokens.pop(session.get("id"), None)
    session.clear()
    return token


def refresh(token):
    """Vestibule answers with a new refresh token, and the old one is used up. Two requests that send the same one within
    half a minute get the same answer."""
    answer = vestibule.fetch_access_token(grant_type="refresh_token", refresh_token=token["refresh_token"])
    token.update(answer)


@app.get("/login")
def login():
    for abandoned in [key for key in session if key.startswith("_state_")]:
        del session[abandoned]
    session["state"] = secrets.token_urlsafe(32)
    return vestibule.authorize_redirect(f"{HERE}/callback", state=session["state"])


@app.get("/callback")
def callback():
    # An answer that this browser has not asked for changes nothing, whatever else it says.
    state = session.get("state")
    if state is None or request.args.get("state") != state:
        return redirect("/")
    # It is good for one answer.
    del session["state"]
    # Two servers could be mixed up by somebody who controls one of them (RFC 9207).
    if request.args.get("iss") != ISSUER:
        return page("<p>This answer is not from our server.</p>", 400)
    # Redeems the code with the PKCE verifier, and checks the ID token with its nonce.
    sign_in_to_session(vestibule.authorize_access_token())
    return redirect("/")


@app.get("/")
def home():
    token = token_of_session()
    if not token:
        return page('<p>Nobody is signed in here.</p><p><a href="/login">Sign in</a></p>')
    if token["expires_at"] < time.time() + 10:
        refresh(token)
    answer = vestibule.get(f"{USERS}/user", token=token)
    if answer.status_code == 401:
        # Signed out elsewhere, or disabled.
        sign_out_of_session()
        return redirect("/")
    answer.raise_for_status()
    user = answer.json()
    return page(
        """<p>Hello, <strong>{{ user.name.given_name or user.user_name }}</strong>.</p>
        <pre>{{ user | tojson(indent=2) }}</pre>
        <form method="post"><button formaction="/refresh">Refresh the token</button>
        <button formaction="/logout">Sign out</button></form>""",
        user=user,
    )


@app.post("/refresh")
def refresh_now():
    if token := token_of_session():
        refresh(token)
    return redirect("/")


@app.post("/logout")
def logout():
    token = sign_out_of_session()
    if not token:
        return redirect("/")
    return redirect(vestibule.create_logout_url(f"{HERE}/", token["id_token"])["url"])


@app.before_request
def refuse_forms_of_other_sites():
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return page("<p>This form was sent from another site.</p>", 403)


@app.errorhandler(AuthlibBaseError)
@app.errorhandler(JoseError)
@app.errorhandler(RequestException)
def failed(error):
    # What comes from outside stays on one line.
    print(repr(str(error)), file=sys.stderr)
    # The refresh token is not taken any more. Another failure passes.
    if getattr(error, "error", None) == "invalid_grant":
        sign_out_of_session()
    return page('<p>This did not work.</p><p><a href="/">Try again</a> or <a href="/login">sign in</a></p>', 502)


def page(body, status=200, **values):
    html = render_template_string(
        """<!doctype html><html lang="en"><meta charset="utf-8">
        <meta name="viewport" content="width=device-width"><title>Web example</title><h1>Web example</h1>""" + body,
        **values,
    )
    headers = {"Content-Security-Policy": "default-src 'none'; base-uri 'none'", "Cache-Control": "no-store"}
    return Response(html, status, headers)


if __name__ == "__main__":
    print(f"The application is at {HERE}", flush=True)
    app.run("127.0.0.1", PORT)
