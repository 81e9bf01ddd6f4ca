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
const SECURE = HERE.startsWith("https:");

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
  { timeout: 10, execute: local ? [oidc.allowInsecureRequests] : [] },
);

/** One value for each browser, under a cookie. Each has a new id, so that a planted cookie is worth nothing, and ends by itself. */
class Store {
  #entries = new Map();

  constructor(name, seconds) {
    this.cookie = (SECURE ? "__Host-" : "") + name;
    this.seconds = seconds;
    setInterval(() => this.#deleteEnded(), 60_000).unref();
  }

  get(request) {
    const entry = this.#entries.get(this.#id(request));
    return entry?.ends > Date.now() ? entry.value : undefined;
  }

  /** Ends what the browser has, and begins another value, or none. */
  replace(request, response, value) {
    this.#entries.delete(this.#id(request));
    const id = value ? randomBytes(32).toString("base64url") : "";
    if (value) this.#entries.set(id, { value, ends: Date.now() + this.seconds * 1000 });
    const age = value ? this.seconds : 0;
    const rules = `Path=/; Max-Age=${age}; HttpOnly; SameSite=Lax${SECURE ? "; Secure" : ""}`;
    response.appendHeader("Set-Cookie", `${this.cookie}=${id}; ${rules}`);
  }

  #id(request) {
    const pairs = (request.headers.cookie ?? "").split("; ");
    return pairs.find((pair) => pair.startsWith(`${this.cookie}=`))?.slice(this.cookie.length + 1);
  }

  #deleteEnded() {
    for (const [id, { ends }] of this.#entries) if (ends <= Date.now()) this.#entries.delete(id);
  }
}

/** { verifier, state, nonce } of somebody who signs in, for ten minutes; { tokens, until } afterwards, for a working day. */
const signIns = new Store("sign-in", 600);
const sessions = new Store("session", 8 * 3600);

function keep(session, tokens) {
  session.tokens = { ...session.tokens, ...tokens };
  session.until = Date.now() + ((tokens.expiresIn() ?? 60) - 10) * 1000;
}

async function refresh(session) {
  keep(session, await oidc.refreshTokenGrant(config, session.tokens.refresh_token));
}

async function login(request, response) {
  const signIn = {
    verifier: oidc.randomPKCECodeVerifier(),
    state: oidc.randomState(),
    nonce: oidc.randomNonce(),
  };
  signIns.replace(request, response, signIn);
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: `${HERE}/callback`,
    scope: "openid profile email",
    code_challenge: await oidc.calculatePKCECodeChallenge(signIn.verifier),
    code_challenge_method: "S256",
    state: signIn.state,
    nonce: signIn.nonce,
  });
  redirect(response, url);
}

async function callback(request, response) {
  const signIn = signIns.get(request);
  // An answer that this browser has not asked for changes nothing, whatever else it says.
  if (!signIn || request.address.searchParams.get("state") !== signIn.state) return redirect(response, "/");
  // What it is compared with is good for one answer.
  signIns.replace(request, response, undefined);
  // Compares state and issuer before anything else, and the nonce of the ID token.
  const tokens = await oidc.authorizationCodeGrant(config, request.address, {
    pkceCodeVerifier: signIn.verifier,
    expectedState: signIn.state,
    expectedNonce: signIn.nonce,
    idTokenExpected: true,
  });
  const session = {};
  keep(session, tokens);
  sessions.replace(request, response, session);
  redirect(response, "/");
}

async function home(request, response) {
  const session = sessions.get(request);
  if (!session) {
    return page(response, 200, `<p>Nobody is signed in here.</p><p><a class="button" href="/login">Sign in</a></p>`);
  }
  if (Date.now() > session.until) await refresh(session);
  const answer = await fetch(`${USERS}/user`, {
    headers: { Authorization: `Bearer ${session.tokens.access_token}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (answer.status === 401) {
    // Signed out elsewhere, or disabled.
    sessions.replace(request, response, undefined);
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
  const session = sessions.get(request);
  if (session) await refresh(session);
  redirect(response, "/");
}

async function logout(request, response) {
  const session = sessions.get(request);
  sessions.replace(request, response, undefined);
  if (!session) return redirect(response, "/");
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
    const route = routes[`${request.method} ${request.address.pathname}`];
    if (!route) return page(response, 404, "<p>There is nothing here.</p>");
    const site = request.headers["sec-fetch-site"];
    if (request.method === "POST" && site && site !== "same-origin") {
      return page(response, 403, "<p>This form was sent from another site.</p>");
    }
    await route(request, response);
  } catch (error) {
    console.error(error);
    // The refresh token is not taken any more. Another failure passes.
    if (error.error === "invalid_grant") sessions.replace(request, response, undefined);
    page(response, 502, `<p>This did not work.</p><p><a href="/">Try again</a> or <a href="/login">sign in</a></p>`);
  }
}).listen(PORT, "127.0.0.1", () => console.log(`The application is at ${HERE}`));
