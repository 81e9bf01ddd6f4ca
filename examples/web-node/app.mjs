// A web application that signs people in through Vestibule, and shows their profile.
//
// Authorization code with PKCE, a confidential client, sessions in memory. Everything that belongs to signing in is
// done by openid-client; what is written here is what an application has to decide for itself.

import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import * as oidc from "openid-client";

const { CLIENT_ID, CLIENT_SECRET } = process.env;
const PORT = Number(process.env.PORT ?? 3000);
const HERE = process.env.BASE_URL ?? `http://localhost:${PORT}`;
const ISSUER = new URL(process.env.ISSUER ?? "http://localhost:8000");
const USERS = process.env.USERS_URL ?? "http://localhost:8001";
const SESSION = /(?:^|; )session=([^;]+)/;

if (!CLIENT_ID) {
  console.error(`Set CLIENT_ID and CLIENT_SECRET to what this prints:
  vestibule client add 'Web example' --redirect-uri ${HERE}/callback --post-logout-redirect-uri ${HERE}/`);
  process.exit(2);
}

// openid-client insists on https; plain http is for an issuer on this machine.
const local = ISSUER.protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(ISSUER.hostname);
const config = await oidc.discovery(
  ISSUER,
  CLIENT_ID,
  undefined,
  CLIENT_SECRET ? oidc.ClientSecretBasic(CLIENT_SECRET) : oidc.None(),
  local ? { execute: [oidc.allowInsecureRequests] } : undefined,
);

/** Session id → { verifier, state, nonce } while somebody signs in, { tokens, until } afterwards. */
const sessions = new Map();

// A new id for every step up, so that a planted cookie is worth nothing. Behind https, add `Secure`.
function start(response, session, oldId) {
  sessions.delete(oldId);
  const id = randomBytes(32).toString("base64url");
  sessions.set(id, session);
  response.setHeader("Set-Cookie", `session=${id}; HttpOnly; SameSite=Lax; Path=/`);
}

function keep(session, tokens) {
  session.tokens = { ...session.tokens, ...tokens };
  session.until = Date.now() + ((tokens.expiresIn() ?? 60) - 10) * 1000;
}

async function refresh(session) {
  keep(session, await oidc.refreshTokenGrant(config, session.tokens.refresh_token));
}

async function login(request, response) {
  const session = {
    verifier: oidc.randomPKCECodeVerifier(),
    state: oidc.randomState(),
    nonce: oidc.randomNonce(),
  };
  start(response, session, request.sessionId);
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: `${HERE}/callback`,
    scope: "openid profile email offline_access",
    code_challenge: await oidc.calculatePKCECodeChallenge(session.verifier),
    code_challenge_method: "S256",
    state: session.state,
    nonce: session.nonce,
  });
  redirect(response, url);
}

async function callback(request, response) {
  const { verifier, state, nonce } = request.session ?? {};
  if (!verifier) return redirect(response, "/");
  const tokens = await oidc.authorizationCodeGrant(config, request.address, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  });
  const session = {};
  keep(session, tokens);
  start(response, session, request.sessionId);
  redirect(response, "/");
}

async function home(request, response) {
  const { session } = request;
  if (!session?.tokens) {
    return page(response, 200, `<p>Nobody is signed in here.</p><p><a class="button" href="/login">Sign in</a></p>`);
  }
  if (Date.now() > session.until) await refresh(session);
  const answer = await fetch(`${USERS}/user`, {
    headers: { Authorization: `Bearer ${session.tokens.access_token}` },
  });
  if (answer.status === 401) {
    // Signed out elsewhere, or disabled.
    sessions.delete(request.sessionId);
    return redirect(response, "/");
  }
  if (!answer.ok) throw new Error(`GET /user: ${answer.status} ${await answer.text()}`);
  const person = await answer.json();
  const until = new Date(session.until).toLocaleTimeString("en-GB");
  page(
    response,
    200,
    `<p>Hello, <strong>${escape(person.name?.given_name ?? person.user_name)}</strong>.</p>
     <pre>${escape(JSON.stringify(person, null, 2))}</pre>
     <p><small>The access token is good until ${until}.</small></p>
     <form method="post"><button formaction="/refresh">Refresh it</button>
     <button formaction="/logout">Sign out</button></form>`,
  );
}

async function refreshNow(request, response) {
  if (request.session?.tokens) await refresh(request.session);
  redirect(response, "/");
}

async function logout(request, response) {
  const { session } = request;
  sessions.delete(request.sessionId);
  response.setHeader("Set-Cookie", "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
  if (!session?.tokens) return redirect(response, "/");
  const url = oidc.buildEndSessionUrl(config, {
    id_token_hint: session.tokens.id_token,
    post_logout_redirect_uri: `${HERE}/`,
  });
  redirect(response, url);
}

const routes = {
  "GET /": home,
  "GET /login": login,
  "GET /callback": callback,
  "POST /refresh": refreshNow,
  "POST /logout": logout,
};

function redirect(response, url) {
  response.writeHead(303, { Location: String(url) }).end();
}

function escape(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function page(response, status, body) {
  response.writeHead(status, {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    "Cache-Control": "no-store",
  });
  response.end(`<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Web example</title>
<style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem}
pre{padding:1rem;border:1px solid #8884;border-radius:.5rem;overflow:auto}</style>
<h1>Web example</h1>${body}`);
}

createServer(async (request, response) => {
  try {
    request.address = new URL(request.url, HERE);
    request.sessionId = SESSION.exec(request.headers.cookie ?? "")?.[1];
    request.session = sessions.get(request.sessionId);
    const route = routes[`${request.method} ${request.address.pathname}`];
    if (!route) return page(response, 404, "<p>There is nothing here.</p>");
    const site = request.headers["sec-fetch-site"];
    if (request.method === "POST" && site && site !== "same-origin") {
      return page(response, 403, "<p>This form was sent from another site.</p>");
    }
    await route(request, response);
  } catch (error) {
    // A code, state or refresh token that is not taken: begin again.
    console.error(error);
    sessions.delete(request.sessionId);
    page(response, 502, `<p>Signing in did not work.</p><p><a href="/login">Try again</a></p>`);
  }
}).listen(PORT, "127.0.0.1", () => console.log(`The application is at ${HERE}`));
