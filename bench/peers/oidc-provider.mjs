// An OpenID provider with oidc-provider, everything in memory, on the port that is its argument. Its page for signing in takes every
// password, and applications of the house are not asked for consent.

import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const port = Number(process.argv[2]);
const redirect_uris = ["https://app.example.org/callback"];
const resources = { "https://api.example.org/es256": "ES256", "https://api.example.org/rs256": "RS256" };

const key = (alg, type, options) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }),
  alg,
  use: "sig",
  kid: alg,
});

const browser = (client_id, id_token_signed_response_alg) => ({
  client_id,
  id_token_signed_response_alg,
  redirect_uris,
  token_endpoint_auth_method: "none",
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
});

const provider = new Provider(`http://localhost:${port}`, {
  clients: [
    browser("flow-rs256", "RS256"),
    browser("flow-es256", "ES256"),
    browser("flow-dpop", "ES256"),
    {
      client_id: "service",
      client_secret: "a-secret-of-the-bench-which-is-long-enough",
      redirect_uris,
      grant_types: ["client_credentials", "authorization_code"],
      response_types: ["code"],
    },
  ],
  jwks: {
    keys: [key("RS256", "rsa", { modulusLength: 2048 }), key("ES256", "ec", { namedCurve: "P-256" })],
  },
  cookies: { keys: ["a key of the bench"] },
  claims: { openid: ["sub"], profile: ["name", "given_name", "family_name", "preferred_username"] },
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => ({
        scope: "api",
        audience: resource,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: resources[resource] } },
      }),
    },
  },
  pkce: { required: () => true },
  ttl: { AccessToken: 300, ClientCredentials: 300, IdToken: 300, AuthorizationCode: 60, RefreshToken: 86400, Session: 86400, Grant: 86400, Interaction: 600 },
  issueRefreshToken: async (_, client) => client.grantTypeAllowed("refresh_token"),
  findAccount: async (_, sub) => ({
    accountId: sub,
    claims: async () => ({ sub, name: "Ann Example", given_name: "Ann", family_name: "Example", preferred_username: sub }),
  }),
  async loadExistingGrant({ oidc }) {
    const id = oidc.result?.consent?.grantId || oidc.session.grantIdFor(oidc.client.clientId);
    if (id) return oidc.provider.Grant.find(id);
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope("openid profile");
    await grant.save();
    return grant;
  },
});

provider.listen(port, "127.0.0.1");
