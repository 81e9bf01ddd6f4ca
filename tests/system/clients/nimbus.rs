//! The OAuth 2.0 SDK of Nimbus, for Java.

use std::process::Command;

use testkit::StackOptions;

use super::chapters::run_chapters;
use crate::source::root;
use crate::tools::{artifact_version, tool};

pub(super) const POM: &str = include_str!("../../clients/nimbus/pom.xml");
pub(super) const ARTIFACT: &str = "oauth2-oidc-sdk";

const CHAPTERS: [&str; 7] = [
    "secret",
    "public_client",
    "private_key",
    "fapi2",
    "jarm",
    "sign_out",
    "errors",
];

// SB-20, SB-21, SB-24, SB-25, SB-27, SB-28, SB-30
#[tokio::test]
async fn the_sdk_of_nimbus_signs_in_with_secrets_assertions_and_proofs_refreshes_and_signs_out() {
    let jars = tool(&format!("nimbus-{}", artifact_version(POM, ARTIFACT))).join("*");
    let mut program = Command::new("java");
    program
        // C1 and the serial collector: quick to start.
        .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"])
        .arg(jars)
        .arg("groovy.ui.GroovyMain")
        .arg(root().join("tests/clients/nimbus/story.groovy"));
    run_chapters(StackOptions::default(), &mut program, &CHAPTERS).await;
}
