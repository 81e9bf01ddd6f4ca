//! Tests of the grants at the token endpoint, without HTTP and without a store.

mod codes;
mod devices;
mod lost;
mod refresh;
mod scopes;

use super::*;
use crate::client::{AuthMethod, GrantType};
use crate::dpop::Confirmation;
use crate::testing::{ISSUER, metadata, web};

const USERS: &str = "https://users.example";

fn resources(urls: &[&str]) -> Vec<Resource> {
    urls.iter().map(|url| Resource::parse(url).unwrap()).collect()
}

#[test]
fn a_client_uses_the_grants_that_it_is_registered_for() {
    // RFC 6749 §5.2
    let metadata = metadata(|client| {
        client.grant_types = [GrantType::ClientCredentials].into();
        client.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
    });
    assert_eq!(web(&metadata).check_grant(GrantType::ClientCredentials), Ok(()));
    for grant in [GrantType::AuthorizationCode, GrantType::RefreshToken] {
        let error = web(&metadata).check_grant(grant).unwrap_err();
        assert_eq!(error.error, ErrorCode::UnauthorizedClient, "{grant:?}");
    }
}
