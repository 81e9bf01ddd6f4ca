// An application without a server, which uses oidc-client-ts on an origin of its own. `/settings.json` has the issuer, the URL of the
// user service, and a client for each kind of tokens: `bearer` and `dpop`.
//
// A test calls `window.app` with the name of an action and its parameters. The result is a value that JSON can hold; an error is
// `{ error, message }`. `window.arrived` is the result of the response with which the page was opened.

/* global oidc */

const settings = await (await fetch("/settings.json")).json();
const here = `${location.origin}/`;

function manager(kind) {
  return new oidc.UserManager({
    authority: settings.issuer,
    client_id: settings.clients[kind],
    redirect_uri: `${here}callback`,
    post_logout_redirect_uri: `${here}signed-out`,
    scope: "openid profile email",
    automaticSilentRenew: false,
    userStore: new oidc.WebStorageStateStore({ store: localStorage, prefix: `${kind}.` }),
    // The library asks userinfo with bearer tokens alone.
    loadUserInfo: kind === "bearer",
    ...(kind === "dpop" && { dpop: { bind_authorization_code: true, store: new oidc.IndexedDbDPoPStore() } }),
  });
}

// The parts of a user that a test compares.
const seen = (user) =>
  user && {
    access_token: user.access_token,
    refresh_token: user.refresh_token,
    token_type: user.token_type,
    profile: user.profile,
    state: user.state,
  };

// Calls an API with the access token of a user, and once more when it answers with a nonce for the proof.
async function callApi(users, user, url, { method = "GET", headers = {}, body } = {}) {
  let nonce;
  for (;;) {
    const proof = await users.dpopProof(url, user, method, nonce);
    const authorization = `${user.token_type} ${user.access_token}`;
    const own = proof ? { authorization, dpop: proof } : { authorization };
    const answer = await fetch(url, { method, headers: { ...headers, ...own }, body });
    const next = answer.headers.get("dpop-nonce");
    if (answer.status === 401 && next && !nonce) {
      nonce = next;
      continue;
    }
    return {
      status: answer.status,
      challenge: answer.headers.get("www-authenticate"),
      etag: answer.headers.get("etag"),
      body: await answer.json(),
    };
  }
}

const actions = {
  // Leaves the page; `callback` goes on.
  async signIn(kind, more = {}) {
    localStorage.setItem("kind", kind);
    await manager(kind).signinRedirect({ state: { came_from: "/basket" }, ...more });
  },

  // Opens a second window, and waits for its result.
  async signInWithPopup(kind) {
    localStorage.setItem("kind", kind);
    return seen(await manager(kind).signinPopup());
  },

  async callback() {
    return seen(await manager(localStorage.getItem("kind")).signinCallback());
  },

  async user(kind) {
    return seen(await manager(kind).getUser());
  },

  async renew(kind) {
    return seen(await manager(kind).signinSilent());
  },

  async revoke(kind) {
    await manager(kind).revokeTokens(["refresh_token"]);
  },

  async userinfo(kind, changes = {}) {
    const users = manager(kind);
    const user = await users.getUser();
    return callApi(users, Object.assign(user, changes), await users.metadataService.getUserInfoEndpoint());
  },

  // Sends a request to the user service.
  async userService(kind, path, request, changes = {}) {
    const users = manager(kind);
    return callApi(users, Object.assign(await users.getUser(), changes), settings.user_service + path, request);
  },

  // Leaves the page; `signedOut` goes on.
  async signOut(kind) {
    localStorage.setItem("kind", kind);
    await manager(kind).signoutRedirect({ state: { left: true } });
  },

  async signedOut() {
    return (await manager(localStorage.getItem("kind")).signoutCallback()).userState;
  },
};

async function call(name, ...parameters) {
  try {
    return (await actions[name](...parameters)) ?? null;
  } catch (error) {
    return { error: error.error ?? error.name, message: error.message };
  }
}

const arrivals = { "/callback": "callback", "/signed-out": "signedOut" };
if (arrivals[location.pathname]) window.arrived = await call(arrivals[location.pathname]);
window.app = call;
