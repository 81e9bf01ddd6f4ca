// Signs a person in through openid-client by code and PKCE, refreshes, revokes, signs out.
//
// Takes ISSUER, CLIENT_ID, CLIENT_SECRET (or none: a public client), AUTH_METHOD, REDIRECT_URI, POST_LOGOUT_URI,
// USER_NAME and PASSWORD from the environment, and prints what it saw as one JSON object.

import * as oidc from "openid-client";
import { Visitor } from "./visitor.mjs";

const env = process.env;

function authentication() {
  if (!env.CLIENT_SECRET) return oidc.None();
  return { client_secret_basic: oidc.ClientSecretBasic, client_secret_post: oidc.ClientSecretPost }[env.AUTH_METHOD](
    env.CLIENT_SECRET,
  );
}

const config = await oidc.discovery(
  new URL(env.ISSUER),
  env.CLIENT_ID,
  { id_token_signed_response_alg: env.ID_TOKEN_ALG ?? "RS256" },
  authentication(),
  { execute: [oidc.allowInsecureRequests] },
);

// The issuer may have a path.
const login = `${new URL(env.ISSUER).pathname.replace(/\/$/, "")}/login`;

async function authorize(visitor) {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const nonce = oidc.randomNonce();
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: env.REDIRECT_URI,
    scope: "openid profile email offline_access",
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  });
  let page = await visitor.open(url);
  let asked = false;
  if (!page.left && page.url.pathname === login) {
    asked = true;
    page = await visitor.submit(page, login, { user_name: env.USER_NAME, password: env.PASSWORD });
  }
  if (!page.left) throw new Error(`no redirect back to the application, but ${page.url}: ${page.body}`);
  const tokens = await oidc.authorizationCodeGrant(config, page.url, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  });
  return { tokens, asked, callback: page.url };
}

async function refused(promise) {
  try {
    await promise;
    return null;
  } catch (error) {
    return error.error ?? error.cause?.error ?? String(error);
  }
}

const visitor = new Visitor(env.ISSUER);
const first = await authorize(visitor);
const claims = first.tokens.claims();
const header = JSON.parse(Buffer.from(first.tokens.id_token.split(".")[0], "base64url"));
const userinfo = await oidc.fetchUserInfo(config, first.tokens.access_token, claims.sub);

const again = await authorize(visitor);
const refreshed = await oidc.refreshTokenGrant(config, first.tokens.refresh_token);

await oidc.tokenRevocation(config, refreshed.refresh_token);
const afterRevocation = await refused(oidc.refreshTokenGrant(config, refreshed.refresh_token));

const state = oidc.randomState();
const end = oidc.buildEndSessionUrl(config, {
  id_token_hint: again.tokens.id_token,
  post_logout_redirect_uri: env.POST_LOGOUT_URI,
  state,
});
const left = await visitor.open(end);
const third = await authorize(visitor);

console.log(
  JSON.stringify({
    algorithm: header.alg,
    asked_for_password: first.asked,
    asked_again_with_session: again.asked,
    asked_after_sign_out: third.asked,
    claims,
    userinfo,
    iss_parameter: first.callback.searchParams.get("iss"),
    rotated: refreshed.refresh_token !== first.tokens.refresh_token,
    refreshed_sub: refreshed.claims()?.sub ?? null,
    after_revocation: afterRevocation,
    signed_out_to: left.left ? left.url.href : `${left.url} ${left.status}`,
    sign_out_state_kept: left.url.searchParams.get("state") === state,
  }),
);
