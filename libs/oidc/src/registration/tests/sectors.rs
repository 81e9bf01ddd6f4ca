//! Tests of pairwise subjects in registration requests (OpenID Connect Core §8.1).

use serde_json::json;

use super::*;

#[test]
fn a_client_that_registers_itself_gets_pairwise_subjects_at_its_redirect_uris_alone() {
    // OpenID Connect Core §8.1
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    let document = "https://app.example/uris.json";
    for (more, member) in [
        (
            json!({"grant_types": ["authorization_code", device]}),
            "grant_types",
        ),
        (
            json!({"grant_types": [device], "response_types": []}),
            "grant_types",
        ),
        (
            json!({"grant_types": [device], "response_types": [], "sector_identifier_uri": document, "redirect_uris": []}),
            "redirect_uris",
        ),
        (
            json!({"sector_identifier_uri": document, "redirect_uris": ["http://127.0.0.1/cb"]}),
            "redirect_uris",
        ),
        (
            json!({"sector_identifier_uri": document, "redirect_uris": ["https://app.example/cb", "com.example.app:/cb"]}),
            "redirect_uris",
        ),
        (
            json!({"backchannel_logout_uri": "https://other.example/bye"}),
            "backchannel_logout_uri",
        ),
        (json!({"backchannel_logout_uri": "https://app.example/bye"}), ""),
        (
            json!({"sector_identifier_uri": document, "redirect_uris": ["https://app.example/cb", "https://b.example/cb"],
                "backchannel_logout_uri": "https://b.example/bye"}),
            "",
        ),
    ] {
        let mut pairwise = more.clone();
        pairwise["subject_type"] = json!("pairwise");
        match register(&pairwise) {
            Ok(_) => assert_eq!(member, "", "{more}"),
            Err((_, text)) => assert!(
                !member.is_empty() && text.starts_with(&format!("{member}: ")),
                "{more}: {text}"
            ),
        }
    }
    let public = json!({"grant_types": [device], "response_types": [], "backchannel_logout_uri": "https://other.example/bye"});
    assert!(
        register(&public).is_ok(),
        "public subjects are no secret of a sector"
    );
}
