//! Requests that are refused, and ID tokens that the library refuses.

use std::borrow::Cow;

use openidconnect::core::{CoreAuthenticationFlow, CoreUserInfoClaims};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, ClientSecret, CsrfToken, DiscoveryError, IssuerUrl, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, TokenResponse,
    UserInfoError,
};
use serde_json::json;

use crate::application::{Application, Metadata, env};
use crate::refusal;

pub async fn mistakes() {
    let mut mine = Application::register(json!({})).await;
    let other = Application::register(json!({})).await;
    requests(&mut mine).await;
    codes(&mut mine, &other).await;
    refresh_tokens(&mut mine, &other).await;
    id_tokens(&mut mine, &other).await;

    // The issuer is compared to the letter.
    let elsewhere = IssuerUrl::new(format!("{}/", env("ISSUER"))).unwrap();
    let discovered = Metadata::discover_async(elsewhere, &mine.http).await;
    assert!(
        matches!(discovered, Err(DiscoveryError::Validation(_))),
        "{discovered:?}"
    );
}

/// Authorization requests: to an address that is not registered, and without PKCE.
async fn requests(mine: &mut Application) {
    let elsewhere = RedirectUrl::new("https://mallory.example/".to_owned()).unwrap();
    let request = || {
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        mine.client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
    };
    let (challenge, _) = PkceCodeChallenge::new_random_sha256();
    let (away, ..) = request()
        .set_pkce_challenge(challenge)
        .set_redirect_uri(Cow::Borrowed(&elsewhere))
        .url();
    let (unproved, ..) = request().url();
    let page = mine.visitor.open(away).await;
    assert_eq!((page.left, page.status.as_u16()), (false, 400), "{page:?}");
    let page = mine.visitor.open(unproved).await;
    assert!(
        page.left
            && page
                .url
                .query_pairs()
                .any(|pair| pair == ("error".into(), "invalid_request".into())),
        "{page:?}"
    );
}

/// Codes: without and with another verifier, for another address, of another client, with a wrong secret, and twice.
async fn codes(mine: &mut Application, other: &Application) {
    let (back, ..) = mine.authorize(None).await;
    assert_eq!(refusal(mine.redeem(&back["code"], None).await), "invalid_grant");
    let (back, ..) = mine.authorize(None).await;
    let (_, another) = PkceCodeChallenge::new_random_sha256();
    assert_eq!(
        refusal(mine.redeem(&back["code"], Some(&another)).await),
        "invalid_grant"
    );

    let (back, verifier, _) = mine.authorize(None).await;
    let elsewhere = RedirectUrl::new("https://mallory.example/".to_owned()).unwrap();
    let request = mine
        .client
        .exchange_code(AuthorizationCode::new(back["code"].clone()))
        .unwrap();
    let request = request
        .set_redirect_uri(Cow::Owned(elsewhere))
        .set_pkce_verifier(verifier);
    assert_eq!(refusal(request.request_async(&mine.http).await), "invalid_grant");

    let (back, verifier, _) = mine.authorize(None).await;
    let guessing = mine
        .client
        .clone()
        .set_client_secret(ClientSecret::new("guessed".to_owned()));
    let request = guessing
        .exchange_code(AuthorizationCode::new(back["code"].clone()))
        .unwrap();
    let request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier.secret().clone()));
    assert_eq!(refusal(request.request_async(&mine.http).await), "invalid_client");
    assert_eq!(
        refusal(other.redeem(&back["code"], Some(&verifier)).await),
        "invalid_grant"
    );

    // A code that comes again revokes what it gave.
    let (back, verifier, nonce) = mine.authorize(None).await;
    let tokens = mine.redeem(&back["code"], Some(&verifier)).await.unwrap();
    tokens
        .id_token()
        .unwrap()
        .claims(&mine.client.id_token_verifier(), &nonce)
        .unwrap();
    assert_eq!(
        refusal(mine.redeem(&back["code"], Some(&verifier)).await),
        "invalid_grant"
    );
    assert_eq!(
        refusal(mine.refresh(tokens.refresh_token().unwrap()).await),
        "invalid_grant"
    );
    let request = mine
        .client
        .user_info(tokens.access_token().clone(), None)
        .unwrap();
    let over: Result<CoreUserInfoClaims, _> = request.request_async(&mine.http).await;
    assert!(matches!(over, Err(UserInfoError::Response(status, ..)) if status.as_u16() == 401));
}

/// Refresh tokens: of another client, made up, and one that was used long ago.
async fn refresh_tokens(mine: &mut Application, other: &Application) {
    let (tokens, _) = mine.sign_in().await;
    let first = tokens.refresh_token().unwrap();
    assert_eq!(refusal(other.refresh(first).await), "invalid_grant");
    assert_eq!(
        refusal(mine.refresh(&RefreshToken::new("made-up".to_owned())).await),
        "invalid_grant"
    );
    let second = mine.refresh(first).await.unwrap();
    mine.refresh(second.refresh_token().unwrap()).await.unwrap();
    assert_eq!(refusal(mine.refresh(first).await), "invalid_grant");
    // The whole family is revoked.
    assert_eq!(
        refusal(mine.refresh(second.refresh_token().unwrap()).await),
        "invalid_grant"
    );
}

/// An ID token is for one client and one request.
async fn id_tokens(mine: &mut Application, other: &Application) {
    let (back, verifier, nonce) = mine.authorize(None).await;
    let tokens = mine.redeem(&back["code"], Some(&verifier)).await.unwrap();
    let id_token = tokens.id_token().unwrap();
    let verifier = mine.client.id_token_verifier();
    assert!(id_token.claims(&verifier, &nonce).is_ok());
    let refused = id_token.claims(&verifier, &Nonce::new_random());
    assert!(
        matches!(refused, Err(ClaimsVerificationError::InvalidNonce(_))),
        "{refused:?}"
    );
    let refused = id_token.claims(&other.client.id_token_verifier(), &nonce);
    assert!(
        matches!(refused, Err(ClaimsVerificationError::InvalidAudience(_))),
        "{refused:?}"
    );
}
