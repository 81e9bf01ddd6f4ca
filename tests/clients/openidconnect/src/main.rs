//! An application that uses openidconnect with reqwest and rustls.
//!
//! It takes ISSUER, USERS_URL, AUTHORITY (a PEM file), ADMIN_TOKEN, REDIRECT_URI, POST_LOGOUT_URI, USER_NAME and PASSWORD from the
//! environment and the chapters from the command line. It prints the name of each chapter that ended well; anything unexpected ends it.

mod application;
mod mistakes;
mod visitor;

use openidconnect::core::{
    CoreAuthPrompt, CoreClientRegistrationRequest, CoreGrantType, CoreJwsSigningAlgorithm,
    CoreRevocableToken, CoreUserInfoClaims,
};
use openidconnect::registration::{ClientRegistrationError, EmptyAdditionalClientMetadata};
use openidconnect::{
    AccessToken, AccessTokenHash, AuthType, ClientName, CsrfToken, ErrorResponseType, LocalizedClaim,
    LogoutRequest, Nonce, OAuth2TokenResponse, PostLogoutRedirectUrl, RedirectUrl, RequestTokenError, Scope,
    StandardErrorResponse, TokenIntrospectionResponse, TokenResponse, UserInfoError,
};
use serde_json::{Value, json};

use application::{Application, administer, discover, env, http_client};

/// The life of an application with a person, from sign-in to the revocation of its tokens.
async fn life(mut application: Application, algorithm: CoreJwsSigningAlgorithm) {
    let (tokens, claims) = application.sign_in().await;
    let id_token = tokens.id_token().unwrap();
    assert_eq!(*id_token.signing_alg().unwrap(), algorithm);
    let subject = claims.subject();
    if let Some(expected) = claims.access_token_hash() {
        let verifier = application.client.id_token_verifier();
        let key = id_token.signing_key(&verifier).unwrap();
        let hash = AccessTokenHash::from_token(tokens.access_token(), id_token.signing_alg().unwrap(), key);
        assert_eq!(hash.unwrap(), *expected);
    }

    let access = tokens.access_token().clone();
    // The library compares the subject of the response with the one of the ID token.
    let request = application
        .client
        .user_info(access.clone(), Some(subject.clone()))
        .unwrap();
    let userinfo: CoreUserInfoClaims = request.request_async(&application.http).await.unwrap();
    assert_eq!(userinfo.preferred_username().unwrap().as_str(), env("USER_NAME"));
    assert_eq!(
        userinfo.email().unwrap().as_str(),
        format!("{}@example.com", env("USER_NAME"))
    );
    let user = application
        .http
        .get(format!("{}/user", env("USERS_URL")))
        .bearer_auth(access.secret());
    let user: Value = user
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(user["id"], subject.as_str());

    let refreshed = application
        .refresh(tokens.refresh_token().unwrap())
        .await
        .unwrap();
    let refresh_token = refreshed.refresh_token().unwrap();
    assert_ne!(refresh_token.secret(), tokens.refresh_token().unwrap().secret());
    let verifier = application.client.id_token_verifier();
    let without_nonce = |nonce: Option<&Nonce>| nonce.map_or(Ok(()), |nonce| Err(nonce.secret().clone()));
    let id_token = refreshed.id_token().unwrap();
    assert_eq!(
        id_token.claims(&verifier, without_nonce).unwrap().subject(),
        subject
    );

    let access = refreshed.access_token();
    if application.is_confidential {
        let introspected = application.introspect(access).await;
        assert!(introspected.active());
        assert_eq!(introspected.sub(), Some(subject.as_str()));
        assert_eq!(introspected.client_id(), Some(application.client.client_id()));
    }
    let revocation = application
        .client
        .revoke_token(CoreRevocableToken::from(refresh_token))
        .unwrap();
    revocation.request_async(&application.http).await.unwrap();
    assert_eq!(refusal(application.refresh(refresh_token).await), "invalid_grant");
    if application.is_confidential {
        assert!(!application.introspect(access).await.active());
    }
    let request = application
        .client
        .user_info(access.clone(), Some(subject.clone()))
        .unwrap();
    let over: Result<CoreUserInfoClaims, _> = request.request_async(&application.http).await;
    assert!(matches!(over, Err(UserInfoError::Response(status, ..)) if status.as_u16() == 401));
}

/// The error code of a refused token request.
fn refusal<T, RE, TE>(result: Result<T, RequestTokenError<RE, StandardErrorResponse<TE>>>) -> String
where
    RE: std::error::Error + 'static,
    TE: ErrorResponseType + std::fmt::Display + 'static,
{
    match result {
        Err(RequestTokenError::ServerResponse(error)) => {
            assert!(error.error_description().is_some());
            error.error().to_string()
        }
        Err(error) => panic!("no refusal, but {error:?}"),
        Ok(_) => panic!("no refusal"),
    }
}

async fn secret() {
    let application = Application::register(json!({})).await;
    life(application, CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256).await;
}

async fn posted_secret() {
    let wish = json!({ "token_endpoint_auth_method": "client_secret_post" });
    let mut application = Application::register(wish).await;
    application.client = application.client.set_auth_type(AuthType::RequestBody);
    life(application, CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256).await;
}

async fn public() {
    let wish = json!({ "token_endpoint_auth_method": "none", "id_token_signed_response_alg": "ES256" });
    life(
        Application::register(wish).await,
        CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    )
    .await;
}

async fn sign_out() {
    let mut application = Application::register(json!({})).await;
    let (tokens, _) = application.sign_in().await;
    // The session spares a second password, and ends at the sign-out.
    assert!(
        application
            .authorize(Some(CoreAuthPrompt::None))
            .await
            .0
            .contains_key("code")
    );
    let end = application
        .metadata
        .additional_metadata()
        .end_session_endpoint
        .clone();
    let request = LogoutRequest::from(end)
        .set_id_token_hint(tokens.id_token().unwrap())
        .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(env("POST_LOGOUT_URI")).unwrap())
        .set_state(CsrfToken::new("bye".to_owned()));
    let left = application.visitor.open(request.http_get_url()).await;
    assert!(left.left, "{left:?}");
    assert_eq!(left.url.as_str(), format!("{}?state=bye", env("POST_LOGOUT_URI")));
    let (back, ..) = application.authorize(Some(CoreAuthPrompt::None)).await;
    assert_eq!(back["error"], "login_required");
}

async fn device() {
    let wish = json!({
        "client_name": "Film Box",
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
        "redirect_uris": [],
        "post_logout_redirect_uris": [],
        "token_endpoint_auth_method": "none",
    });
    let mut film_box = Application::register(wish).await;
    for (said, refused) in [("allow", None), ("deny", Some("access_denied"))] {
        let request = film_box
            .client
            .exchange_device_code()
            .add_scope(Scope::new("offline_access".to_owned()));
        let codes: openidconnect::core::CoreDeviceAuthorizationResponse =
            request.request_async(&film_box.http).await.unwrap();
        let address = codes
            .verification_uri_complete()
            .unwrap()
            .secret()
            .parse()
            .unwrap();
        let page = film_box
            .visitor
            .sign_in(address, &env("USER_NAME"), &env("PASSWORD"))
            .await;
        film_box
            .visitor
            .submit(&page, "/device", &[("answer", said)])
            .await;
        let polling = film_box.client.exchange_device_access_token(&codes).unwrap();
        let answer = polling
            .request_async(&film_box.http, tokio::time::sleep, None)
            .await;
        match refused {
            Some(code) => assert_eq!(refusal(answer), code),
            None => {
                let tokens = answer.unwrap();
                let verifier = film_box.client.id_token_verifier();
                let any_nonce = |_: Option<&Nonce>| Ok(());
                tokens.id_token().unwrap().claims(&verifier, any_nonce).unwrap();
                film_box.refresh(tokens.refresh_token().unwrap()).await.unwrap();
            }
        }
    }
}

/// Dynamic registration (RFC 7591) with an initial access token.
async fn registration() {
    let made = administer(
        "initial-access-tokens",
        &json!({ "name": "Developers", "uses": 1 }),
    )
    .await;
    let token = made["initial_access_token"].as_str().unwrap();
    let (http, metadata) = (http_client(), discover().await);
    let endpoint = metadata.registration_endpoint().unwrap();
    let register = async |token: &str, grant: CoreGrantType| {
        let mut name = LocalizedClaim::new();
        name.insert(None, ClientName::new("Shop".to_owned()));
        let callback = RedirectUrl::new(env("REDIRECT_URI")).unwrap();
        let request =
            CoreClientRegistrationRequest::new(vec![callback], EmptyAdditionalClientMetadata::default())
                .set_initial_access_token(Some(AccessToken::new(token.to_owned())))
                .set_client_name(Some(name))
                .set_grant_types(Some(vec![grant]));
        request.register_async(endpoint, &http).await
    };
    // The library does not read the error of a token, which comes with 401.
    let strange = register("made up", CoreGrantType::AuthorizationCode).await;
    assert!(matches!(strange, Err(ClientRegistrationError::Response(status, ..)) if status.as_u16() == 401));
    match register(token, CoreGrantType::Implicit).await {
        Err(ClientRegistrationError::ServerResponse(error)) => {
            assert_eq!(error.error().as_ref(), "invalid_client_metadata")
        }
        Err(error) => panic!("no refusal, but {error:?}"),
        Ok(_) => panic!("no refusal"),
    }
    let client = register(token, CoreGrantType::AuthorizationCode).await.unwrap();
    let mut shop = Application::of(
        client.client_id().as_str(),
        client.client_secret().cloned(),
        metadata.clone(),
    );
    shop.scopes = &[];
    // It is an application of another party.
    let (_, claims) = shop.sign_in_with(&[("answer", "allow")]).await;
    assert!(!claims.subject().is_empty());
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for name in std::env::args().skip(1) {
        match name.as_str() {
            "secret" => secret().await,
            "posted_secret" => posted_secret().await,
            "public" => public().await,
            "sign_out" => sign_out().await,
            "device" => device().await,
            "registration" => registration().await,
            "errors" => mistakes::mistakes().await,
            _ => panic!("no chapter {name}"),
        }
        println!("{name}");
    }
}
