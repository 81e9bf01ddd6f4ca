//! Checks of client metadata: members that do not fit together (RFC 7591 §3.2.2).

use super::certificate::distinguished_name;
use super::{AccessTokenFormat, ClientMetadata, GrantType, RoleDefinition};
use crate::client::AuthMethod;
use crate::jose::{ContentEncryption, KeyManagement, KeySet, Recipient};
use crate::resource::Resource;

/// The most keys of one client.
const MAX_KEYS: usize = 20;
/// The longest subject of a certificate in bytes.
const MAX_SUBJECT: usize = 1024;

/// A member of the metadata that cannot be accepted (`invalid_client_metadata`, RFC 7591 §3.2.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct InvalidMetadata {
    /// The member.
    pub field: &'static str,
    /// The problem with it.
    pub detail: &'static str,
}

/// True for text of 1 to `longest` printable characters.
fn is_label(text: &str, longest: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control)
}

/// True for the name of a role.
pub fn is_role_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
}

impl ClientMetadata {
    /// Checks that the members fit together.
    ///
    /// # Errors
    /// The first invalid member.
    pub fn check(&self) -> Result<(), InvalidMetadata> {
        let refuse = |field, detail| Err(InvalidMetadata { field, detail });
        let has = |grant| self.grant_types.contains(&grant);
        if self.client_name.as_ref().is_some_and(|name| {
            name.trim().is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control)
        }) {
            return refuse("client_name", "expected 1 to 100 printable characters");
        }
        if self.grant_types.is_empty() {
            return refuse("grant_types", "expected one at least");
        }
        if self.redirect_uris.len() > 100 {
            return refuse("redirect_uris", "expected 100 at most");
        }
        if self.post_logout_redirect_uris.len() > 100 {
            return refuse("post_logout_redirect_uris", "expected 100 at most");
        }
        let pages = [
            ("client_uri", &self.client_uri),
            ("policy_uri", &self.policy_uri),
            ("tos_uri", &self.tos_uri),
        ];
        // People are led there in the middle of a sign-in.
        for (field, uri) in pages {
            if uri.as_ref().is_some_and(|uri| uri.as_url().scheme() != "https") {
                return refuse(field, "expected an https URL");
            }
        }
        if self.request_uris.len() > 20 {
            return refuse("request_uris", "expected 20 at most");
        }
        if has(GrantType::AuthorizationCode) && self.redirect_uris.is_empty() {
            return refuse("redirect_uris", "the grant authorization_code needs one at least");
        }
        if has(GrantType::ClientCredentials) && self.is_public() {
            return refuse(
                "token_endpoint_auth_method",
                "the grant client_credentials needs a client that authenticates",
            );
        }
        if has(GrantType::TokenExchange) && self.is_public() {
            return refuse(
                "token_endpoint_auth_method",
                "the grant token-exchange needs a client that authenticates",
            );
        }
        if has(GrantType::TokenExchange) && self.audiences.is_empty() {
            return refuse("audiences", "the grant token-exchange needs one at least");
        }
        if self.access_token_format == AccessTokenFormat::Opaque && self.audiences.is_empty() {
            return refuse(
                "audiences",
                "opaque access tokens are for other services than the user service: expected one at least",
            );
        }
        if self.is_public() && self.resource.is_some() {
            return refuse("resource", "a public client cannot introspect tokens");
        }
        if self.is_public() && !self.require_pkce {
            return refuse("require_pkce", "a public client needs PKCE");
        }
        self.check_subject_type()?;
        self.check_assignment()?;
        self.check_detail_types()?;
        self.check_encryption(
            (
                "id_token_encrypted_response_alg",
                self.id_token_encrypted_response_alg,
            ),
            (
                "id_token_encrypted_response_enc",
                self.id_token_encrypted_response_enc,
            ),
        )?;
        self.check_encryption(
            (
                "userinfo_encrypted_response_alg",
                self.userinfo_encrypted_response_alg,
            ),
            (
                "userinfo_encrypted_response_enc",
                self.userinfo_encrypted_response_enc,
            ),
        )?;
        self.check_logout_uris()?;
        if self.is_public() && self.tls_client_certificate_bound_access_tokens {
            return refuse(
                "tls_client_certificate_bound_access_tokens",
                "a public client cannot bind its refresh tokens to a certificate: use DPoP",
            );
        }
        self.check_profile()?;
        self.check_certificate_subject()?;
        self.check_keys()
    }

    /// Checks `authorization_details_types`. A type that the server does not know is refused where it is requested (RFC 9396 §5).
    fn check_detail_types(&self) -> Result<(), InvalidMetadata> {
        let types = &self.authorization_details_types;
        if types.len() <= 100 && types.iter().all(|name| is_label(name, 255)) {
            return Ok(());
        }
        Err(InvalidMetadata {
            field: "authorization_details_types",
            detail: "expected 100 at most, of 1 to 255 printable characters",
        })
    }

    /// Checks that a pairwise client has a sector (OpenID Connect Core §8.1). The document of `sector_identifier_uri` is checked by
    /// [`Self::is_listed_in`].
    fn check_subject_type(&self) -> Result<(), InvalidMetadata> {
        let refuse = |field, detail| Err(InvalidMetadata { field, detail });
        if self.sector_identifier_uri.is_some() && self.redirect_uris.is_empty() {
            return refuse(
                "redirect_uris",
                "expected one at least, which the document of sector_identifier_uri lists",
            );
        }
        if self.is_pairwise() && self.sector().is_none() {
            return refuse(
                "sector_identifier_uri",
                "pairwise subjects need it, unless all redirect_uris have the same host, which is no loopback address",
            );
        }
        Ok(())
    }

    /// Checks that no pairwise client is registered for the user service, which knows people by their ids.
    ///
    /// # Errors
    /// The member `audiences`.
    pub fn check_audiences(&self, users: &Resource) -> Result<(), InvalidMetadata> {
        if self.is_pairwise() && users.find_in(&self.audiences).is_some() {
            return Err(InvalidMetadata {
                field: "audiences",
                detail: "a client with pairwise subjects gets no tokens for the user service, which knows people by their ids",
            });
        }
        Ok(())
    }

    /// Checks contacts, groups and roles.
    fn check_assignment(&self) -> Result<(), InvalidMetadata> {
        let refuse = |field, detail| Err(InvalidMetadata { field, detail });
        if self.contacts.len() > 10 || !self.contacts.iter().all(|contact| is_label(contact, 200)) {
            return refuse(
                "contacts",
                "expected 10 at most, of 1 to 200 printable characters",
            );
        }
        if !self.allowed_groups.is_empty() && !self.require_assignment {
            return refuse("allowed_groups", "has an effect only with require_assignment");
        }
        if self.require_assignment && self.allowed_groups.is_empty() && self.roles.is_empty() {
            return refuse(
                "require_assignment",
                "nobody could use the client: it needs allowed_groups or roles",
            );
        }
        let are_groups =
            |groups: &[String]| groups.len() <= 100 && groups.iter().all(|name| is_label(name, 256));
        if !are_groups(&self.allowed_groups) {
            return refuse("allowed_groups", "expected 100 names of groups at most");
        }
        let is_role = |(name, role): (&String, &RoleDefinition)| {
            is_role_name(name)
                && are_groups(&role.groups)
                && role.description.as_ref().is_none_or(|text| is_label(text, 200))
        };
        if self.roles.len() > 100 || !self.roles.iter().all(is_role) {
            return refuse(
                "roles",
                "expected 100 at most, each with a name of 1 to 64 letters, digits and ._:-, a description of 200 printable characters at most, and names of 100 groups at most",
            );
        }
        Ok(())
    }

    /// Checks the algorithms that something is encrypted with (OpenID Connect Registration §2). `enc` has to be named, since its
    /// default in the standard is `A128CBC-HS256`, which is not supported.
    fn check_encryption(
        &self,
        (alg_field, alg): (&'static str, Option<KeyManagement>),
        (enc_field, enc): (&'static str, Option<ContentEncryption>),
    ) -> Result<(), InvalidMetadata> {
        let refuse = |field, detail| Err(InvalidMetadata { field, detail });
        let (alg, enc) = match (alg, enc) {
            (None, None) => return Ok(()),
            (None, Some(_)) => return refuse(alg_field, "expected one beside the algorithm of the content"),
            (Some(_), None) => {
                return refuse(
                    enc_field,
                    "expected A128GCM or A256GCM beside the algorithm of the key",
                );
            }
            (Some(alg), Some(enc)) => (alg, enc),
        };
        match (&self.jwks, &self.jwks_uri) {
            (None, None) => refuse("jwks", "encryption needs jwks or jwks_uri"),
            (Some(set), _) if Recipient::find(&KeySet::from_jwks(set), alg, enc).is_none() => refuse(
                "jwks",
                "expected a key to encrypt with: RSA of 2048 bits at least, EC on P-256 or P-384, or X25519, as the algorithm needs",
            ),
            _ => Ok(()),
        }
    }

    /// Checks the logout URIs (OpenID Connect Back-Channel Logout §2.2, Front-Channel Logout §2).
    fn check_logout_uris(&self) -> Result<(), InvalidMetadata> {
        let refuse = |field, detail| Err(InvalidMetadata { field, detail });
        if let Some(uri) = &self.backchannel_logout_uri
            && !uri.is_web()
        {
            return refuse("backchannel_logout_uri", "expected an https:// URL");
        }
        if let Some(uri) = &self.frontchannel_logout_uri
            && !self.redirect_uris.iter().any(|known| known.has_origin_of(uri))
        {
            return refuse(
                "frontchannel_logout_uri",
                "expected a URL at the scheme, host and port of one of redirect_uris",
            );
        }
        if let Some(uri) = &self.frontchannel_logout_uri
            && !uri.has_plain_host()
        {
            return refuse(
                "frontchannel_logout_uri",
                "expected a host of letters, digits, dots and dashes, or an IP address",
            );
        }
        Ok(())
    }

    /// Checks the members of clients that authenticate with a certificate (RFC 8705 §2.1.2).
    fn check_certificate_subject(&self) -> Result<(), InvalidMetadata> {
        let refuse = |field, detail| Err(InvalidMetadata { field, detail });
        let ip = self.tls_client_auth_san_ip.map(|ip| ip.to_string());
        let subjects = [
            ("tls_client_auth_subject_dn", &self.tls_client_auth_subject_dn),
            ("tls_client_auth_san_dns", &self.tls_client_auth_san_dns),
            ("tls_client_auth_san_uri", &self.tls_client_auth_san_uri),
            ("tls_client_auth_san_ip", &ip),
            ("tls_client_auth_san_email", &self.tls_client_auth_san_email),
        ];
        let mut given = subjects
            .iter()
            .filter_map(|(field, value)| Some((*field, value.as_deref()?)));
        let (first, second) = (given.next(), given.next());
        if let Some((field, _)) = second {
            return refuse(
                field,
                "expected one subject of the certificate alone (RFC 8705 §2.1.2)",
            );
        }
        match first {
            None if self.token_endpoint_auth_method == AuthMethod::TlsClientAuth => refuse(
                "tls_client_auth_subject_dn",
                "tls_client_auth needs a subject of the certificate: tls_client_auth_subject_dn, or one of tls_client_auth_san_*",
            ),
            Some((field, value))
                if value.is_empty() || value.len() > MAX_SUBJECT || value.chars().any(char::is_control) =>
            {
                refuse(field, "expected 1 to 1024 printable characters")
            }
            Some((field @ "tls_client_auth_subject_dn", value)) if distinguished_name(value).is_none() => {
                refuse(
                    field,
                    "expected a distinguished name as in RFC 4514, such as CN=robot,O=Example",
                )
            }
            _ => Ok(()),
        }
    }

    /// Checks the keys of the client (RFC 7591 §2, `jwks_uri` and `jwks`).
    fn check_keys(&self) -> Result<(), InvalidMetadata> {
        let refuse = |field, detail| Err(InvalidMetadata { field, detail });
        let signs = self.token_endpoint_auth_method == AuthMethod::PrivateKeyJwt;
        let presents = self.token_endpoint_auth_method == AuthMethod::SelfSignedTlsClientAuth;
        match (&self.jwks_uri, &self.jwks) {
            (Some(_), Some(_)) => refuse("jwks", "expected either jwks or jwks_uri"),
            (None, None) if signs => refuse("jwks", "private_key_jwt needs jwks or jwks_uri"),
            (None, None) if self.require_signed_request_object => refuse(
                "require_signed_request_object",
                "request objects need jwks or jwks_uri",
            ),
            (None, None) if presents => refuse("jwks", "self_signed_tls_client_auth needs jwks or jwks_uri"),
            (_, Some(set)) if presents && set.certificates().is_empty() => {
                refuse("jwks", "expected a key with its certificate in x5c")
            }
            (_, Some(set)) if set.keys.len() > MAX_KEYS => refuse("jwks", "expected 20 keys at most"),
            (_, Some(set)) if signs && KeySet::from_jwks(set).is_empty() => refuse(
                "jwks",
                "expected a key to verify signatures with: RSA of 2048 bits at least, EC on P-256 or P-384, or Ed25519",
            ),
            _ => Ok(()),
        }
    }
}
