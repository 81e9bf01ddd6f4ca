//! Access that a change of its metadata takes from a client.

use super::ClientMetadata;

impl ClientMetadata {
    /// True if with the metadata `after` the client may do less than before with the tokens that it has, or some of its users may.
    /// Every member is named, so that a new one cannot be forgotten here (SB-47).
    pub fn loses_access(&self, after: &Self) -> bool {
        let ClientMetadata {
            // These give access.
            grant_types,
            scope,
            authorization_details_types,
            audiences,
            require_assignment,
            allowed_groups,
            roles,
            // The others say who the client is, and the ways in which it authenticates, asks and is answered.
            client_name: _,
            client_uri: _,
            policy_uri: _,
            tos_uri: _,
            redirect_uris: _,
            post_logout_redirect_uris: _,
            token_endpoint_auth_method: _,
            token_endpoint_auth_signing_alg: _,
            jwks_uri: _,
            jwks: _,
            tls_client_auth_subject_dn: _,
            tls_client_auth_san_dns: _,
            tls_client_auth_san_uri: _,
            tls_client_auth_san_ip: _,
            tls_client_auth_san_email: _,
            tls_client_certificate_bound_access_tokens: _,
            id_token_signed_response_alg: _,
            userinfo_signed_response_alg: _,
            id_token_encrypted_response_alg: _,
            id_token_encrypted_response_enc: _,
            userinfo_encrypted_response_alg: _,
            userinfo_encrypted_response_enc: _,
            authorization_signed_response_alg: _,
            require_pushed_authorization_requests: _,
            dpop_bound_access_tokens: _,
            resource: _,
            introspection_signed_response_alg: _,
            request_object_signing_alg: _,
            request_uris: _,
            require_signed_request_object: _,
            access_token_format: _,
            require_pkce: _,
            require_consent: _,
            contacts: _,
            backchannel_logout_uri: _,
            backchannel_logout_session_required: _,
            frontchannel_logout_uri: _,
            frontchannel_logout_session_required: _,
            profile: _,
            logo_uri: _,
            // These say how it knows people. `keeps_subjects` reads them.
            subject_type: _,
            sector_identifier_uri: _,
        } = self;
        let loses_audience = if audiences.is_empty() {
            !after.audiences.is_empty()
        } else {
            audiences
                .iter()
                .any(|audience| audience.find_in(&after.audiences).is_none())
        };
        let loses_people = (after.require_assignment && !require_assignment)
            || allowed_groups
                .iter()
                .any(|group| !after.allowed_groups.contains(group));
        let loses_role = roles.iter().any(|(name, role)| {
            let after = after.roles.get(name);
            after.is_none_or(|after| role.groups.iter().any(|group| !after.groups.contains(group)))
        });
        // A client that becomes pairwise loses the user service, whatever its `audiences` are; with other identifiers of people it is
        // another client to all that it calls.
        !self.keeps_subjects(after)
            || loses_people
            || loses_role
            || loses_audience
            || !after.scope.covers(scope)
            || !grant_types.is_subset(&after.grant_types)
            || !authorization_details_types.is_subset(&after.authorization_details_types)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::SubjectType;

    #[test]
    fn a_client_that_knows_people_by_other_identifiers_loses_its_tokens() {
        // SB-47
        use SubjectType::{Pairwise, Public};
        let client = |subject_type, host: &str| ClientMetadata {
            subject_type,
            redirect_uris: vec![format!("https://{host}/cb").parse().unwrap()],
            ..ClientMetadata::default()
        };
        for (before, after, loses) in [
            ((Public, "shop.example"), (Pairwise, "shop.example"), true),
            ((Pairwise, "shop.example"), (Public, "shop.example"), true),
            ((Pairwise, "shop.example"), (Pairwise, "bank.example"), true),
            ((Pairwise, "shop.example"), (Pairwise, "shop.example"), false),
            ((Public, "shop.example"), (Public, "bank.example"), false),
        ] {
            let outcome = client(before.0, before.1).loses_access(&client(after.0, after.1));
            assert_eq!(outcome, loses, "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_client_that_loses_a_type_of_authorization_details_loses_access() {
        // SB-47
        let of_types = |types: &[&str]| ClientMetadata {
            authorization_details_types: types.iter().map(|name| (*name).to_owned()).collect(),
            ..ClientMetadata::default()
        };
        for (before, after, loses) in [
            (&["payment"][..], &[][..], true),
            (&["account", "payment"], &["account"], true),
            (&["payment"], &["account", "payment"], false),
            (&[], &["payment"], false),
        ] {
            let outcome = of_types(before).loses_access(&of_types(after));
            assert_eq!(outcome, loses, "{before:?} {after:?}");
        }
    }
}
