//! openidconnect, for Rust.

use std::process::Command;
use std::sync::Arc;

use testkit::{StackOptions, StackTls, TestAuthority};

use super::chapters::run_chapters;
use crate::source::root;
use crate::tools::{short_digest, tool};

pub(super) const MANIFEST: &str = include_str!("../../clients/openidconnect/Cargo.toml");

const CHAPTERS: [&str; 7] = [
    "secret",
    "posted_secret",
    "public",
    "sign_out",
    "device",
    "registration",
    "errors",
];

// SB-20, SB-21, SB-22, SB-24, SB-25, SB-28, SB-29, SB-30, SB-38
#[tokio::test]
async fn openidconnect_signs_in_over_tls_refreshes_introspects_revokes_registers_itself_and_signs_out() {
    let authority = Arc::new(TestAuthority::new());
    let certificate = authority.certificate();
    let options = StackOptions {
        // The library revokes tokens over https alone.
        tls: Some(StackTls {
            authority,
            client_certificates: false,
        }),
        ..StackOptions::default()
    };
    let sources = [
        "Cargo.toml",
        "Cargo.lock",
        "src/application.rs",
        "src/main.rs",
        "src/mistakes.rs",
        "src/visitor.rs",
    ]
    .map(|file| root().join("tests/clients/openidconnect").join(file));
    let folder = tool(&format!("openidconnect-{}", short_digest("", sources.iter())));
    let mut program = Command::new(folder.join("openidconnect-client"));
    run_chapters(options, program.env("AUTHORITY", certificate), &CHAPTERS).await;
}
