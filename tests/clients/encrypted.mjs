// Signs a person in through openid-client with encrypted ID tokens and encrypted responses of userinfo (RFC 7516), once for each
// algorithm. It registers the clients itself, with keys that it makes.
//
// Takes ISSUER, ADMIN_TOKEN, REDIRECT_URI, USER_NAME and PASSWORD from the environment, and prints what it saw as one JSON array.

import * as oidc from "openid-client";
import { Visitor } from "./visitor.mjs";

const env = process.env;
const { subtle } = globalThis.crypto;

const rsa = { name: "RSA-OAEP", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
const cases = [
  { alg: "RSA-OAEP-256", enc: "A256GCM", key: rsa, usages: ["encrypt", "decrypt"] },
  { alg: "ECDH-ES", enc: "A128GCM", key: { name: "ECDH", namedCurve: "P-256" }, usages: ["deriveBits"] },
  { alg: "ECDH-ES+A256KW", enc: "A256GCM", key: { name: "ECDH", namedCurve: "P-256" }, usages: ["deriveBits"] },
  { alg: "ECDH-ES+A256KW", enc: "A128GCM", key: { name: "X25519" }, usages: ["deriveBits"] },
];

async function register(alg, enc, publicKey) {
  const { kty, crv, x, y, n, e } = await subtle.exportKey("jwk", publicKey);
  const answer = await fetch(`${env.ISSUER}/admin/v1/clients`, {
    method: "POST",
    headers: { authorization: `Bearer ${env.ADMIN_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({
      client_name: `Encrypted with ${alg}`,
      redirect_uris: [env.REDIRECT_URI],
      jwks: { keys: [{ kty, crv, x, y, n, e, use: "enc", alg, kid: "mine" }] },
      userinfo_signed_response_alg: "ES256",
      id_token_encrypted_response_alg: alg,
      id_token_encrypted_response_enc: enc,
      userinfo_encrypted_response_alg: alg,
      userinfo_encrypted_response_enc: enc,
    }),
  });
  if (!answer.ok) throw new Error(`${alg}: ${await answer.text()}`);
  return answer.json();
}

const visitor = new Visitor(env.ISSUER);
const seen = [];
for (const { alg, enc, key, usages } of cases) {
  const { publicKey, privateKey } = await subtle.generateKey(key, true, usages);
  const client = await register(alg, enc, publicKey);
  const config = await oidc.discovery(
    new URL(env.ISSUER),
    client.client_id,
    { userinfo_signed_response_alg: "ES256", use_mtls_endpoint_aliases: false },
    oidc.ClientSecretBasic(client.client_secret),
    { execute: [oidc.allowInsecureRequests] },
  );
  oidc.enableDecryptingResponses(config, [enc], { key: privateKey, alg, kid: "mine" });

  const verifier = oidc.randomPKCECodeVerifier();
  const nonce = oidc.randomNonce();
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: env.REDIRECT_URI,
    scope: "openid profile",
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    nonce,
  });
  let page = await visitor.open(url);
  if (!page.left) page = await visitor.submit(page, "/login", { user_name: env.USER_NAME, password: env.PASSWORD });
  if (!page.left) throw new Error(`no redirect back to the application, but ${page.url}: ${page.body}`);
  const tokens = await oidc.authorizationCodeGrant(config, page.url, { pkceCodeVerifier: verifier, expectedNonce: nonce, idTokenExpected: true });
  const claims = tokens.claims();
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
  const header = JSON.parse(Buffer.from(tokens.id_token.split(".")[0], "base64url"));
  seen.push({ alg: header.alg, enc: header.enc, cty: header.cty, parts: tokens.id_token.split(".").length, claims, userinfo });
}
console.log(JSON.stringify(seen));
