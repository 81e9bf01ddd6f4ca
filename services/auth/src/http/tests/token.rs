//! Tests of the token, UserInfo and revocation endpoints.

use http::StatusCode;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, AUTHORIZATION, CACHE_CONTROL, PRAGMA, STRICT_TRANSPORT_SECURITY,
    WWW_AUTHENTICATE,
};

use super::world::{World, basic, exchange, stories};
use crate::clients::{AuthMethod, GrantType};
use crate::testing;

stories! {
    async fn a_client_proves_itself_in_the_header_or_in_the_form_but_not_in_both(world) {
        // SB-28
        world.client("robot", |wish| wish.grant_types = [GrantType::ClientCredentials].into()).await;
        let secret = world.client("machine", |wish| {
            wish.grant_types = [GrantType::ClientCredentials].into();
            wish.scope = "users:read".parse().unwrap();
        }).await.unwrap();
        let path = "/oauth2/token";
        let grant = ("grant_type", "client_credentials");
        let wanted = ("scope", "users:read");
        let header = basic("machine", &secret);
        let unnamed = world.post(path, &[(AUTHORIZATION.as_str(), &header)], &[grant]).await;
        assert_eq!(unnamed.error(), "invalid_scope"); // SB-48
        let in_header = world.post(path, &[(AUTHORIZATION.as_str(), &header)], &[grant, wanted]).await;
        assert_eq!(in_header.status, StatusCode::OK, "{}", in_header.body);
        assert_eq!(in_header.json()["scope"], "users:read");
        assert!(in_header.json().get("refresh_token").is_none());
        assert_eq!(in_header.header(ACCESS_CONTROL_ALLOW_ORIGIN), "*");
        // SB-18: RFC 6749 §5.1.
        assert_eq!((in_header.header(CACHE_CONTROL), in_header.header(PRAGMA)), ("no-store", "no-cache"));
        // SB-17: the public URL is https, whatever carries the request here.
        assert_eq!(in_header.header(STRICT_TRANSPORT_SECURITY), "max-age=63072000");
        let (id, proof) = (("client_id", "machine"), ("client_secret", secret.as_str()));
        let in_form = world.post(path, &[], &[grant, wanted, id, proof]).await;
        assert_eq!((in_form.status, in_form.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
        assert!(in_form.body.contains("token_endpoint_auth_method"), "{}", in_form.body);
        let posting = world.client("posting", |wish| {
            wish.grant_types = [GrantType::ClientCredentials].into();
            wish.scope = "users:read".parse().unwrap();
            wish.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
        }).await.unwrap();
        let posted = [grant, wanted, ("client_id", "posting"), ("client_secret", posting.as_str())];
        assert_eq!(world.post(path, &[], &posted).await.status, StatusCode::OK);
        let posting = basic("posting", &posting);
        let in_header = world.post(path, &[(AUTHORIZATION.as_str(), &posting)], &[grant, wanted]).await;
        assert_eq!(in_header.status, StatusCode::UNAUTHORIZED);
        let both = world.post(path, &[(AUTHORIZATION.as_str(), &header)], &[grant, id, proof]).await;
        assert_eq!((both.status, both.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"));
        let wrong = world.post(path, &[(AUTHORIZATION.as_str(), &basic("machine", "guess"))], &[grant]).await;
        assert_eq!((wrong.status, wrong.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
        assert!(wrong.header(WWW_AUTHENTICATE).starts_with("Basic"));
        for form in [vec![grant], vec![grant, id], vec![grant, ("client_id", "nobody")]] {
            let answer = world.post(path, &[], &form).await;
            assert_eq!((answer.status, answer.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
            assert_eq!(answer.header(CACHE_CONTROL), "no-store");
        }
    }

    async fn bad_token_requests_are_refused_in_the_format_of_oauth(world) {
        // SB-23
        for (form, error) in [
            (vec![], "invalid_request"),
            (vec![("grant_type", "password"), ("username", "ann"), ("password", "x")], "unsupported_grant_type"),
            (vec![("grant_type", "client_credentials")], "unauthorized_client"),
            (vec![("grant_type", "authorization_code")], "invalid_request"),
            (vec![("grant_type", "authorization_code"), ("code", "x")], "invalid_grant"),
            (vec![("grant_type", "refresh_token"), ("refresh_token", "x")], "invalid_grant"),
            (vec![("grant_type", "refresh_token"), ("grant_type", "refresh_token")], "invalid_request"),
        ] {
            let answer = world.token(&form).await;
            assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, error), "{form:?}");
            assert_eq!(answer.header(CACHE_CONTROL), "no-store");
        }
        let header = basic("web", &world.secret);
        for path in ["/oauth2/token", "/oauth2/revoke"] {
            let other = world.get(path, &[(AUTHORIZATION.as_str(), &header)]).await;
            assert_eq!((other.status, other.error().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "invalid_request"));
            assert_eq!(other.header(ACCESS_CONTROL_ALLOW_ORIGIN), "*");
            assert!(other.header(ALLOW).contains("POST"), "{}", other.header(ALLOW));
            // SB-42, SB-43
            let long = "x".repeat(16_384);
            let long = world.post(path, &[(AUTHORIZATION.as_str(), &header)], &[("token", &long)]).await;
            assert_eq!((long.status, long.error().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request"));
            assert_eq!(long.header(ACCESS_CONTROL_ALLOW_ORIGIN), "*");
        }
        let keys = world.post("/oauth2/jwks", &[], &[]).await;
        assert_eq!(keys.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(keys.header(ACCESS_CONTROL_ALLOW_ORIGIN), "*");
        assert!(keys.header(ALLOW).contains("GET"));
    }

    async fn a_public_client_needs_no_secret_but_the_proof_key(world) {
        // SB-22
        world.client("spa", |wish| wish.token_endpoint_auth_method = AuthMethod::None).await;
        let cookie = world.cookie().await;
        let code = world.code(&cookie, &[("client_id", "spa")]).await;
        let mut form = exchange(&code).to_vec();
        form.push(("client_id", "spa"));
        let without: Vec<_> = form.iter().copied().filter(|(name, _)| *name != "code_verifier").collect();
        assert_eq!(world.post("/oauth2/token", &[], &without).await.error(), "invalid_grant");
        let answer = world.post("/oauth2/token", &[], &form).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }

    async fn userinfo_tells_what_the_scopes_allow_until_the_grant_is_revoked(world) {
        let mut state = testing::person_state(world.ann, "ann");
        state.name.formatted = Some("Ann Example".to_owned());
        state.version = 2;
        world.app.change(&state).await;
        let cookie = world.cookie().await;
        let tokens = world.tokens(&cookie).await;
        let access = tokens["access_token"].as_str().unwrap();
        let bearer = format!("Bearer {access}");
        let info = world.get("/oauth2/userinfo", &[(AUTHORIZATION.as_str(), &bearer)]).await;
        assert_eq!(info.status, StatusCode::OK, "{}", info.body);
        let told = info.json();
        assert_eq!(told["sub"], world.ann.to_string());
        assert_eq!((told["name"].as_str(), told["preferred_username"].as_str()), (Some("Ann Example"), Some("ann")));
        assert!(told.get("groups").is_none(), "groups were not asked for");
        let posted = world.post("/oauth2/userinfo", &[(AUTHORIZATION.as_str(), &bearer)], &[]).await;
        assert_eq!(posted.json(), told);

        let client = basic("web", &world.secret);
        let revoked = world.post("/oauth2/revoke", &[(AUTHORIZATION.as_str(), &client)], &[("token", access)]).await;
        assert_eq!(revoked.status, StatusCode::OK);
        let answer = world.get("/oauth2/userinfo", &[(AUTHORIZATION.as_str(), &bearer)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.header(WWW_AUTHENTICATE).contains("invalid_token"));
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        assert_eq!(world.token(&form).await.error(), "invalid_grant");
    }

    async fn userinfo_needs_a_token_for_it(world) {
        // SB-26
        let none = world.get("/oauth2/userinfo", &[]).await;
        assert_eq!((none.status, none.header(WWW_AUTHENTICATE)), (StatusCode::UNAUTHORIZED, "Bearer realm=\"vestibule\""));
        let cookie = world.cookie().await;
        let tokens = world.tokens(&cookie).await;
        let id_token = format!("Bearer {}", tokens["id_token"].as_str().unwrap());
        let answer = world.get("/oauth2/userinfo", &[(AUTHORIZATION.as_str(), &id_token)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "an ID token is no access token");
    }

    async fn refreshing_keeps_the_person_signed_in_and_revoking_ends_it(world) {
        // SB-24
        let cookie = world.cookie().await;
        let first = world.tokens(&cookie).await["refresh_token"].as_str().unwrap().to_owned();
        let form = [("grant_type", "refresh_token"), ("refresh_token", first.as_str())];
        let second = world.token(&form).await.json();
        let second = second["refresh_token"].as_str().unwrap();
        assert_ne!(first, second);
        let client = basic("web", &world.secret);
        let header = [(AUTHORIZATION.as_str(), client.as_str())];
        let revoke = async |token: &str| world.post("/oauth2/revoke", &header, &[("token", token)]).await.status;
        assert_eq!(revoke("unknown").await, StatusCode::OK);
        assert_eq!(revoke("a.b.c").await, StatusCode::OK);
        assert_eq!(revoke(second).await, StatusCode::OK);
        let form = [("grant_type", "refresh_token"), ("refresh_token", second)];
        assert_eq!(world.token(&form).await.error(), "invalid_grant");
        let nobody = world.post("/oauth2/revoke", &[], &[("token", second)]).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    }

    async fn a_token_is_for_the_resource_that_was_asked_for(world) {
        let secret = world.client("machine", |wish| {
            wish.grant_types = [GrantType::ClientCredentials].into();
            wish.scope = "users:read events:read".parse().unwrap();
        }).await.unwrap();
        let header = basic("machine", &secret);
        let ask = async |more: &[(&str, &str)]| {
            let mut form = vec![("grant_type", "client_credentials")];
            form.extend_from_slice(more);
            world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &header)], &form).await
        };
        let token = ask(&[("resource", "https://users.example.org/"), ("scope", "users:read")]).await.json();
        let token = token["access_token"].as_str().unwrap().to_owned();
        assert!(world.app.verifier.verify(&token).await.is_err(), "it is not for this service");
        assert_eq!(ask(&[("resource", "https://other.example"), ("scope", "users:read")]).await.error(), "invalid_target");
        assert_eq!(ask(&[("scope", "admin")]).await.error(), "invalid_scope");
    }
}
