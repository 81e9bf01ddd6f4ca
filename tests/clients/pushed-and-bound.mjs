// Signs a person in through openid-client with a pushed authorization request (RFC 9126), a signed authorization response (JARM)
// and tokens that are bound to a key (DPoP, RFC 9449), uses the token at both services, refreshes, introspects.
//
// Takes ISSUER, USERS_URL, CLIENT_ID, CLIENT_SECRET, RESPONSE_ALG, REDIRECT_URI, USER_NAME and PASSWORD from the environment, and
// prints what it saw as one JSON object.

import * as oidc from "openid-client";
import { Visitor } from "./visitor.mjs";

const env = process.env;

const config = await oidc.discovery(
  new URL(env.ISSUER),
  env.CLIENT_ID,
  { authorization_signed_response_alg: env.RESPONSE_ALG, use_mtls_endpoint_aliases: false },
  oidc.ClientSecretBasic(env.CLIENT_SECRET),
  { execute: [oidc.allowInsecureRequests, oidc.useJwtResponseMode] },
);
const keys = await oidc.randomDPoPKeyPair("ES256");
const DPoP = oidc.getDPoPHandle(config, keys);

const verifier = oidc.randomPKCECodeVerifier();
const state = oidc.randomState();
const nonce = oidc.randomNonce();
const url = await oidc.buildAuthorizationUrlWithPAR(
  config,
  {
    redirect_uri: env.REDIRECT_URI,
    scope: "openid profile email offline_access",
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  },
  { DPoP },
);

const visitor = new Visitor(env.ISSUER);
let page = await visitor.open(url);
page = await visitor.submit(page, "/login", { user_name: env.USER_NAME, password: env.PASSWORD });
if (!page.left) throw new Error(`no redirect back to the application, but ${page.url}: ${page.body}`);
const tokens = await oidc.authorizationCodeGrant(
  config,
  page.url,
  { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
  undefined,
  { DPoP },
);
const claims = tokens.claims();
const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub, { DPoP });
const resource = new URL(`${env.USERS_URL}/user`);
const user = await oidc.fetchProtectedResource(config, tokens.access_token, resource, "GET", undefined, undefined, { DPoP });
const stolen = await fetch(resource, { headers: { authorization: `Bearer ${tokens.access_token}` } });
const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
const introspected = await oidc.tokenIntrospection(config, refreshed.access_token);

const part = (jwt, index) => JSON.parse(Buffer.from(jwt.split(".")[index], "base64url"));

console.log(
  JSON.stringify({
    pushed: [...url.searchParams.keys()].sort(),
    response: [...page.url.searchParams.keys()],
    response_alg: part(page.url.searchParams.get("response"), 0).alg,
    token_type: tokens.token_type,
    bound_to: part(tokens.access_token, 1).cnf?.jkt,
    thumbprint: await DPoP.calculateThumbprint(),
    claims,
    userinfo,
    user: await user.json(),
    stolen: stolen.status,
    refreshed_bound_to: part(refreshed.access_token, 1).cnf?.jkt,
    introspected,
  }),
);
