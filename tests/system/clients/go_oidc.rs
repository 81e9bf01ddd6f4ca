//! go-oidc with golang.org/x/oauth2, for Go.

use std::process::Command;

use testkit::StackOptions;

use super::chapters::run_chapters;
use crate::source::root;
use crate::tools::{short_digest, tool};

pub(super) const MODULES: &str = include_str!("../../clients/go-oidc/go.mod");

const CHAPTERS: [&str; 7] = [
    "secret",
    "posted_secret",
    "public",
    "api",
    "device",
    "backchannel",
    "errors",
];

// SB-20, SB-21, SB-22, SB-24, SB-25, SB-28, SB-30
#[tokio::test]
async fn go_oidc_signs_in_refreshes_verifies_access_and_logout_tokens_and_signs_out() {
    // The program listens for logout tokens.
    let options = StackOptions::default().with("VESTIBULE_AUTH__WEBHOOKS__ALLOW", "127.0.0.1/32");
    let sources = ["go.mod", "go.sum", "main.go", "visitor.go"]
        .map(|file| root().join("tests/clients/go-oidc").join(file));
    let program = tool(&format!("go-oidc-{}", short_digest("", sources.iter()))).join("go-oidc");
    run_chapters(options, &mut Command::new(program), &CHAPTERS).await;
}
