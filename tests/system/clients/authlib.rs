//! Authlib, for Python.

use std::process::Command;

use testkit::StackOptions;

use super::chapters::run_chapters;
use crate::source::root;
use crate::tools::{pinned_version, tool};

pub(super) const REQUIREMENTS: &str = include_str!("../../clients/authlib/requirements.txt");

const CHAPTERS: [&str; 6] = [
    "secret",
    "posted_secret",
    "private_key",
    "algorithms",
    "sign_out",
    "errors",
];

// SB-20, SB-21, SB-22, SB-23, SB-24, SB-25, SB-27, SB-28, SB-30
#[tokio::test]
async fn authlib_signs_in_with_secrets_and_keys_refreshes_introspects_revokes_and_signs_out() {
    let environment = tool(&format!("authlib-{}", pinned_version(REQUIREMENTS, "Authlib")));
    let mut program = Command::new(environment.join("bin/python"));
    program
        .args(["-B", "story.py"])
        .current_dir(root().join("tests/clients/authlib"));
    run_chapters(StackOptions::default(), &mut program, &CHAPTERS).await;
}
