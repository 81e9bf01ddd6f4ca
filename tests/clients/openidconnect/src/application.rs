//! A client with its registration, and the person in front of it.

use std::collections::BTreeMap;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient,
    CoreClientAuthMethod, CoreGrantType, CoreIdTokenClaims, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreRequestTokenError,
    CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType, CoreTokenIntrospectionResponse,
    CoreTokenResponse,
};
use openidconnect::{
    AccessToken, AdditionalProviderMetadata, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    DeviceAuthorizationUrl, EndSessionUrl, EndpointMaybeSet, EndpointSet, HttpClientError, IntrospectionUrl,
    IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, RefreshToken,
    RevocationUrl, Scope, TokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::visitor::Visitor;

/// The members of the metadata that the library has no fields for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Endpoints {
    pub device_authorization_endpoint: DeviceAuthorizationUrl,
    pub end_session_endpoint: EndSessionUrl,
    pub introspection_endpoint: IntrospectionUrl,
    pub revocation_endpoint: RevocationUrl,
}

impl AdditionalProviderMetadata for Endpoints {}

pub type Metadata = ProviderMetadata<
    Endpoints,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

pub type Client =
    CoreClient<EndpointSet, EndpointSet, EndpointSet, EndpointSet, EndpointMaybeSet, EndpointMaybeSet>;

pub type TokenResult = Result<CoreTokenResponse, CoreRequestTokenError<HttpClientError<reqwest::Error>>>;

pub fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// An HTTP client that trusts the authority of the test and no other one.
pub fn http_client() -> reqwest::Client {
    let authority = std::fs::read(env("AUTHORITY")).unwrap();
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let builder = builder.use_rustls_tls().tls_built_in_root_certs(false);
    let authority = reqwest::Certificate::from_pem(&authority).unwrap();
    builder.add_root_certificate(authority).build().unwrap()
}

pub async fn discover() -> Metadata {
    let issuer = IssuerUrl::new(env("ISSUER")).unwrap();
    Metadata::discover_async(issuer, &http_client()).await.unwrap()
}

/// Makes something with the API of administrators.
pub async fn administer(what: &str, body: &Value) -> Value {
    let request = http_client().post(format!("{}/admin/v1/{what}", env("ISSUER")));
    let answer = request
        .bearer_auth(env("ADMIN_TOKEN"))
        .json(body)
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(status.as_u16(), 201, "{body}");
    body
}

pub struct Application {
    pub client: Client,
    pub metadata: Metadata,
    pub http: reqwest::Client,
    pub visitor: Visitor,
    pub is_confidential: bool,
    /// Beside `openid`, which the library adds.
    pub scopes: &'static [&'static str],
}

impl Application {
    /// Registers a client, with metadata of its own.
    pub async fn register(metadata: Value) -> Self {
        let mut all = json!({
            "client_name": "Rust",
            "redirect_uris": [env("REDIRECT_URI")],
            "post_logout_redirect_uris": [env("POST_LOGOUT_URI")],
            "scope": "openid profile email offline_access",
        });
        for (name, value) in metadata.as_object().unwrap() {
            all[name] = value.clone();
        }
        let client = administer("clients", &all).await;
        let secret = client["client_secret"]
            .as_str()
            .map(|secret| ClientSecret::new(secret.to_owned()));
        Self::of(client["client_id"].as_str().unwrap(), secret, discover().await)
    }

    /// A client that is registered.
    pub fn of(id: &str, secret: Option<ClientSecret>, metadata: Metadata) -> Self {
        let is_confidential = secret.is_some();
        let more = metadata.additional_metadata().clone();
        let client =
            CoreClient::from_provider_metadata(metadata.clone(), ClientId::new(id.to_owned()), secret)
                .set_redirect_uri(RedirectUrl::new(env("REDIRECT_URI")).unwrap())
                .set_device_authorization_url(more.device_authorization_endpoint)
                .set_introspection_url(more.introspection_endpoint)
                .set_revocation_url(more.revocation_endpoint);
        let http = http_client();
        Self {
            client,
            metadata,
            visitor: Visitor::new(http.clone(), &env("ISSUER")),
            http,
            is_confidential,
            scopes: &["profile", "email", "offline_access"],
        }
    }

    /// Sends an authorization request, and returns the parameters of the response with the PKCE verifier and the nonce.
    pub async fn authorize(
        &mut self,
        prompt: Option<CoreAuthPrompt>,
    ) -> (BTreeMap<String, String>, PkceCodeVerifier, Nonce) {
        self.authorize_with(prompt, &[]).await
    }

    /// The same for a client whose person is asked for consent, with what they say.
    async fn authorize_with(
        &mut self,
        prompt: Option<CoreAuthPrompt>,
        consent: &[(&str, &str)],
    ) -> (BTreeMap<String, String>, PkceCodeVerifier, Nonce) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let request = self.client.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        );
        let scopes = self.scopes.iter().map(|scope| Scope::new((*scope).to_owned()));
        let mut request = request.set_pkce_challenge(challenge).add_scopes(scopes);
        if let Some(prompt) = prompt {
            request = request.add_prompt(prompt);
        }
        let (url, state, nonce) = request.url();
        let mut page = self
            .visitor
            .sign_in(url, &env("USER_NAME"), &env("PASSWORD"))
            .await;
        if !consent.is_empty() {
            page = self.visitor.submit(&page, "/consent", consent).await;
        }
        assert!(page.left, "no redirect back to the application, but {page:?}");
        let back: BTreeMap<String, String> = page.url.query_pairs().into_owned().collect();
        assert_eq!(
            (back["state"].as_str(), back["iss"].as_str()),
            (state.secret().as_str(), env("ISSUER").as_str())
        );
        (back, verifier, nonce)
    }

    /// Exchanges a code for tokens, with or without a verifier.
    pub async fn redeem(&self, code: &str, verifier: Option<&PkceCodeVerifier>) -> TokenResult {
        let mut request = self
            .client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .unwrap();
        if let Some(verifier) = verifier {
            // A verifier is not to be used again; here it is.
            request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier.secret().clone()));
        }
        request.request_async(&self.http).await
    }

    pub async fn sign_in(&mut self) -> (CoreTokenResponse, CoreIdTokenClaims) {
        self.sign_in_with(&[]).await
    }

    /// The tokens and the verified claims of the ID token.
    pub async fn sign_in_with(&mut self, consent: &[(&str, &str)]) -> (CoreTokenResponse, CoreIdTokenClaims) {
        let (back, verifier, nonce) = self.authorize_with(None, consent).await;
        let tokens = self.redeem(&back["code"], Some(&verifier)).await.unwrap();
        let verifier = self.client.id_token_verifier();
        let claims = tokens
            .id_token()
            .unwrap()
            .claims(&verifier, &nonce)
            .unwrap()
            .clone();
        (tokens, claims)
    }

    pub async fn refresh(&self, token: &RefreshToken) -> TokenResult {
        let request = self.client.exchange_refresh_token(token).unwrap();
        request.request_async(&self.http).await
    }

    pub async fn introspect(&self, token: &AccessToken) -> CoreTokenIntrospectionResponse {
        self.client
            .introspect(token)
            .request_async(&self.http)
            .await
            .unwrap()
    }
}
