// An application that uses oauth4webapi with what the FAPI 2.0 profiles ask for: pushed (RFC 9126) and signed (RFC 9101) requests,
// client assertions (RFC 7523), tokens that are bound to a key (DPoP, RFC 9449) and signed introspection (RFC 9701). Other chapters
// exchange a token (RFC 8693), sign a device in (RFC 8628), verify access tokens (RFC 9068) and register clients (RFC 7591).
//
// Takes ISSUER, USERS_URL, ADMIN_TOKEN, REDIRECT_URI, POST_LOGOUT_URI, USER_NAME and PASSWORD from the environment and the chapters
// from the command line. It prints the name of each chapter that ended well; a failed assertion ends it.

import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";
import { registerClient, run, signIn } from "./support.mjs";
import { Visitor } from "./visitor.mjs";

const env = process.env;
const http = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(env.ISSUER);
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http));
const SCOPE = "openid profile email offline_access";

// The public key as a client registers it.
async function publicJwk(pair, kid, alg) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return { kty, crv, x, y, kid, alg, use: "sig" };
}

// Sends a request with a DPoP proof, and once more with the nonce that the server answers with.
async function withNonce(send) {
  try {
    return await send();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return send();
  }
}

// The error code of a refusal: in the body, or in the challenge of a resource.
async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError) return error.error;
    if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error;
    // RFC 6749 §5.2: a client that sent a wrong secret is challenged, and told the error in the body.
    return error.cause[0].parameters.error ?? (await error.response.json()).error;
  }
  return "nothing was refused";
}

// A client that signs its requests and its assertions, and whose tokens are bound to a key.
class Application {
  static async register(metadata) {
    const pair = await oauth.generateKeyPair("ES256");
    const registered = await registerClient({
      redirect_uris: [env.REDIRECT_URI],
      scope: SCOPE,
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
      jwks: { keys: [await publicJwk(pair, "mine", "ES256")] },
      ...metadata,
    });
    return new Application(registered, { key: pair.privateKey, kid: "mine" });
  }

  constructor(client, key) {
    this.client = client;
    this.key = key;
    this.auth = oauth.PrivateKeyJwt(key);
    this.visitor = new Visitor(env.ISSUER);
  }

  async bind() {
    this.DPoP = oauth.DPoP(this.client, await oauth.generateKeyPair("ES256"));
    this.options = { ...http, DPoP: this.DPoP };
    return this;
  }

  // Pushes a signed request and returns the authorization request for the browser.
  async push(changes = {}, key = this.key) {
    this.verifier = oauth.generateRandomCodeVerifier();
    this.state = oauth.generateRandomState();
    this.nonce = oauth.generateRandomNonce();
    const parameters = {
      redirect_uri: env.REDIRECT_URI,
      response_type: "code",
      scope: SCOPE,
      code_challenge: await oauth.calculatePKCECodeChallenge(this.verifier),
      code_challenge_method: "S256",
      state: this.state,
      nonce: this.nonce,
      ...changes,
    };
    const request = await oauth.issueRequestObject(as, this.client, parameters, key);
    const pushed = await withNonce(async () =>
      oauth.processPushedAuthorizationResponse(
        as,
        this.client,
        await oauth.pushedAuthorizationRequest(as, this.client, this.auth, { request }, this.options),
      ),
    );
    const url = new URL(as.authorization_endpoint);
    url.searchParams.set("client_id", this.client.client_id);
    url.searchParams.set("request_uri", pushed.request_uri);
    return url;
  }

  // The parameters of the authorization response, after a person signed in.
  async code() {
    const callback = await signIn(await this.push(), this.visitor);
    // Checks `iss` too (RFC 9207).
    return oauth.validateAuthResponse(as, this.client, callback, this.state);
  }

  redeem(parameters, verifier = this.verifier, auth = this.auth) {
    return withNonce(async () =>
      oauth.processAuthorizationCodeResponse(
        as,
        this.client,
        await oauth.authorizationCodeGrantRequest(as, this.client, auth, parameters, env.REDIRECT_URI, verifier, this.options),
        { expectedNonce: this.nonce, requireIdToken: true },
      ),
    );
  }

  async signIn() {
    return this.redeem(await this.code());
  }

  refresh(token, options = this.options) {
    return withNonce(async () =>
      oauth.processRefreshTokenResponse(
        as,
        this.client,
        await oauth.refreshTokenGrantRequest(as, this.client, this.auth, token, options),
      ),
    );
  }

  userinfo(token, subject) {
    return withNonce(async () =>
      oauth.processUserInfoResponse(as, this.client, subject, await oauth.userInfoRequest(as, this.client, token, this.options)),
    );
  }

  async introspect(token) {
    const response = await oauth.introspectionRequest(as, this.client, this.auth, token, http);
    assert.match(response.headers.get("content-type"), /^application\/token-introspection\+jwt/);
    const claims = await oauth.processIntrospectionResponse(as, this.client, response);
    await oauth.validateApplicationLevelSignature(as, response, http);
    return claims;
  }
}

function careful(name) {
  return Application.register({
    client_name: name,
    dpop_bound_access_tokens: true,
    require_pushed_authorization_requests: true,
    require_signed_request_object: true,
    request_object_signing_alg: "ES256",
    introspection_signed_response_alg: "ES256",
    id_token_signed_response_alg: "ES256",
    post_logout_redirect_uris: [env.POST_LOGOUT_URI],
  }).then((application) => application.bind());
}

const chapters = {
  async sign_in() {
    const application = await careful("A careful application");
    const tokens = await application.signIn();
    assert.equal(tokens.token_type, "dpop");
    const { sub } = oauth.getValidatedIdTokenClaims(tokens);
    const userinfo = await application.userinfo(tokens.access_token, sub);
    assert.equal(userinfo.preferred_username, env.USER_NAME);
    assert.equal(userinfo.email, `${env.USER_NAME}@example.com`);

    // The user service is another resource, with nonces of its own.
    const resource = new URL(`${env.USERS_URL}/user`);
    const user = await withNonce(() =>
      oauth.protectedResourceRequest(tokens.access_token, "GET", resource, undefined, undefined, application.options),
    );
    assert.equal((await user.json()).id, sub);
    assert.equal(
      await refusal(oauth.protectedResourceRequest(tokens.access_token, "GET", resource, undefined, undefined, http)),
      "invalid_token",
    );

    const refreshed = await application.refresh(tokens.refresh_token);
    assert.notEqual(refreshed.access_token, tokens.access_token);
    assert.equal(oauth.getValidatedIdTokenClaims(refreshed).sub, sub);
    const introspected = await application.introspect(refreshed.access_token);
    assert.equal(introspected.active, true);
    assert.equal(introspected.sub, sub);
    assert.equal(introspected.cnf.jkt, await application.DPoP.calculateThumbprint());

    await oauth.processRevocationResponse(
      await oauth.revocationRequest(as, application.client, application.auth, refreshed.refresh_token, http),
    );
    assert.equal(await refusal(application.refresh(refreshed.refresh_token)), "invalid_grant");
    assert.equal((await application.introspect(refreshed.access_token)).active, false);
    assert.equal(await refusal(application.userinfo(refreshed.access_token, sub)), "invalid_token");
  },

  async sign_out() {
    const application = await careful("An application to leave");
    const tokens = await application.signIn();
    const end = new URL(as.end_session_endpoint);
    end.searchParams.set("id_token_hint", tokens.id_token);
    end.searchParams.set("post_logout_redirect_uri", env.POST_LOGOUT_URI);
    end.searchParams.set("state", "bye");
    const left = await application.visitor.open(end);
    assert.equal(left.left && left.url.href, `${env.POST_LOGOUT_URI}?state=bye`);
    // The session is over: nobody can be signed in without a page.
    const silent = await application.visitor.open(await application.push({ prompt: "none" }));
    assert.throws(() => oauth.validateAuthResponse(as, application.client, silent.url, application.state), { error: "login_required" });
  },

  async errors() {
    const application = await careful("A careless application");
    const other = await careful("Another application");
    const { auth, client } = application;

    // What is pushed: a redirect URI that is not registered, and a signature with a key that is not.
    assert.equal(await refusal(application.push({ redirect_uri: "https://mallory.example/" })), "invalid_request");
    assert.equal(await refusal(application.push({}, other.key)), "invalid_request_object");
    const parameters = { redirect_uri: env.REDIRECT_URI, response_type: "code" };
    const unsigned = withNonce(async () =>
      oauth.processPushedAuthorizationResponse(
        as,
        client,
        await oauth.pushedAuthorizationRequest(as, client, auth, parameters, application.options),
      ),
    );
    assert.equal(await refusal(unsigned), "invalid_request");

    // The browser: a request URI of another client, and one that was used.
    const stolen = await other.push();
    stolen.searchParams.set("client_id", client.client_id);
    const page = await application.visitor.open(stolen);
    assert.ok(!page.left && page.status === 400, `${page.url} ${page.status}`);

    // Codes: with another verifier, with another key, of another client, and twice.
    assert.equal(await refusal(application.redeem(await application.code(), oauth.generateRandomCodeVerifier())), "invalid_grant");
    const wrongKey = oauth.PrivateKeyJwt(other.key);
    assert.equal(await refusal(application.redeem(await application.code(), application.verifier, wrongKey)), "invalid_client");
    const theirs = await application.code();
    assert.equal(await refusal(other.redeem(theirs, application.verifier)), "invalid_grant");
    const code = await application.code();
    const tokens = await application.redeem(code);
    assert.equal(await refusal(application.redeem(code)), "invalid_grant");
    // RFC 6749 §4.1.2: the code that came again takes its tokens along.
    assert.equal(await refusal(application.refresh(tokens.refresh_token)), "invalid_grant");

    // An assertion is good once (RFC 7523 §3).
    const fixed = oauth.PrivateKeyJwt(application.key, {
      [oauth.modifyAssertion](header, payload) {
        payload.jti = "once";
      },
    });
    const introspect = async () =>
      oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, fixed, tokens.access_token, http));
    await introspect();
    assert.equal(await refusal(introspect()), "invalid_client");

    // A refresh token of a client whose tokens are bound needs a proof.
    const fresh = await application.signIn();
    assert.equal(await refusal(application.refresh(fresh.refresh_token, http)), "invalid_dpop_proof");
  },

  // A service calls another one for the person who called it.
  async token_exchange() {
    const api = "https://shop.example/api";
    const stock = "https://stock.example/api";
    const application = await Application.register({ client_name: "Counter", audiences: [api, stock], scope: "openid profile" });
    application.options = http;
    const shop = await Application.register({
      client_name: "Shop",
      redirect_uris: [],
      resource: api,
      audiences: [stock],
      grant_types: ["urn:ietf:params:oauth:grant-type:token-exchange"],
      scope: "profile",
    });
    const tokens = await application.signIn();
    const { sub } = oauth.getValidatedIdTokenClaims(tokens);
    const verify = (token, audience) =>
      oauth.validateJwtAccessToken(as, new Request(audience, { headers: { authorization: `Bearer ${token}` } }), audience, http);
    assert.equal((await verify(tokens.access_token, api)).sub, sub);

    const exchange = (parameters) =>
      oauth
        .genericTokenEndpointRequest(
          as,
          shop.client,
          shop.auth,
          "urn:ietf:params:oauth:grant-type:token-exchange",
          { subject_token_type: "urn:ietf:params:oauth:token-type:access_token", ...parameters },
          http,
        )
        .then((response) => oauth.processGenericTokenEndpointResponse(as, shop.client, response));
    const exchanged = await exchange({ subject_token: tokens.access_token, audience: stock });
    assert.equal(exchanged.issued_token_type, "urn:ietf:params:oauth:token-type:access_token");
    const claims = await verify(exchanged.access_token, stock);
    assert.equal(claims.sub, sub);
    assert.equal(claims.client_id, shop.client.client_id);
    assert.equal(claims.act.sub, shop.client.client_id);
    await assert.rejects(verify(exchanged.access_token, api), { code: oauth.JWT_CLAIM_COMPARISON });

    assert.equal(await refusal(exchange({ subject_token: tokens.access_token, audience: "https://bank.example/api" })), "invalid_target");
    assert.equal(await refusal(exchange({ subject_token: tokens.id_token, audience: stock })), "invalid_request");
  },

  async client_credentials() {
    const audience = "https://stock.example/api";
    const robot = await Application.register({
      client_name: "Robot",
      redirect_uris: [],
      grant_types: ["client_credentials"],
      audiences: [audience],
      scope: "profile",
    });
    await robot.bind();
    const tokens = await withNonce(async () =>
      oauth.processClientCredentialsResponse(
        as,
        robot.client,
        await oauth.clientCredentialsGrantRequest(as, robot.client, robot.auth, { resource: audience }, robot.options),
      ),
    );
    assert.equal(tokens.token_type, "dpop");
    assert.equal(tokens.refresh_token, undefined);
    // The resource server, which verifies token and proof by itself.
    let received;
    await oauth.protectedResourceRequest(tokens.access_token, "GET", new URL(audience), undefined, undefined, {
      ...robot.options,
      [oauth.customFetch]: async (url, { headers, method }) => {
        received = new Request(url, { headers, method });
        return new Response();
      },
    });
    const claims = await oauth.validateJwtAccessToken(as, received, audience, { ...http, requireDPoP: true });
    assert.equal(claims.client_id, robot.client.client_id);
  },

  async device() {
    const client = await registerClient({
      client_name: "Film Box",
      grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
      token_endpoint_auth_method: "none",
      scope: "openid profile offline_access",
    });
    const none = oauth.None();
    const ask = async () =>
      oauth.processDeviceAuthorizationResponse(
        as,
        client,
        await oauth.deviceAuthorizationRequest(as, client, none, { scope: "openid profile offline_access" }, http),
      );
    const poll = async (codes) =>
      oauth.processDeviceCodeResponse(as, client, await oauth.deviceCodeGrantRequest(as, client, none, codes.device_code, http));
    const telephone = new Visitor(env.ISSUER);
    const answer = async (codes, said) => {
      let page = await telephone.open(codes.verification_uri_complete);
      if (page.url.pathname === "/login") {
        page = await telephone.submit(page, "/login", { user_name: env.USER_NAME, password: env.PASSWORD });
      }
      await telephone.submit(page, "/device", { answer: said });
    };

    const codes = await ask();
    assert.equal(await refusal(poll(codes)), "authorization_pending");
    await answer(codes, "allow");
    await new Promise((resolve) => setTimeout(resolve, 1000 * codes.interval));
    const tokens = await poll(codes);
    const { sub } = oauth.getValidatedIdTokenClaims(tokens);
    const userinfo = await oauth.userInfoRequest(as, client, tokens.access_token, http);
    assert.equal((await oauth.processUserInfoResponse(as, client, sub, userinfo)).preferred_username, env.USER_NAME);
    assert.ok(tokens.refresh_token);

    const denied = await ask();
    await answer(denied, "deny");
    assert.equal(await refusal(poll(denied)), "access_denied");
  },

  // A client registers itself with an initial access token, and signs a person in.
  async registration() {
    const made = await fetch(`${env.ISSUER}/admin/v1/initial-access-tokens`, {
      method: "POST",
      headers: { authorization: `Bearer ${env.ADMIN_TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "Developers", uses: 1 }),
    });
    const { initial_access_token: initialAccessToken } = await made.json();
    const register = (token, metadata = {}) =>
      oauth
        .dynamicClientRegistrationRequest(
          as,
          { client_name: "Shop", redirect_uris: [env.REDIRECT_URI], grant_types: ["authorization_code"], ...metadata },
          { ...http, initialAccessToken: token },
        )
        .then(oauth.processDynamicClientRegistrationResponse);
    assert.equal(await refusal(register("made up")), "invalid_token");
    assert.equal(await refusal(register(initialAccessToken, { response_types: ["token"] })), "invalid_client_metadata");
    const client = await register(initialAccessToken);
    assert.equal(await refusal(register(initialAccessToken)), "invalid_token");

    const verifier = oauth.generateRandomCodeVerifier();
    const url = new URL(as.authorization_endpoint);
    url.search = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: env.REDIRECT_URI,
      response_type: "code",
      scope: "openid",
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    });
    const visitor = new Visitor(env.ISSUER);
    let page = await visitor.submit(await visitor.open(url), "/login", { user_name: env.USER_NAME, password: env.PASSWORD });
    // It is an application of another party.
    page = await visitor.submit(page, "/consent", { answer: "allow" });
    const parameters = oauth.validateAuthResponse(as, client, page.url);
    const redeem = async (secret) =>
      oauth.processAuthorizationCodeResponse(
        as,
        client,
        await oauth.authorizationCodeGrantRequest(as, client, oauth.ClientSecretBasic(secret), parameters, env.REDIRECT_URI, verifier, http),
        { requireIdToken: true },
      );
    assert.equal(await refusal(redeem("guessed")), "invalid_client");
    assert.ok(oauth.getValidatedIdTokenClaims(await redeem(client.client_secret)).sub);
  },
};

await run(chapters);
