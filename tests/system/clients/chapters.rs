//! Programs of `tests/clients` that register their clients themselves, and print the name of each chapter that ended well.

use std::process::{Command, Stdio};

use testkit::{Stack, StackOptions};

use super::{CALLBACK, SIGNED_OUT};

/// Starts both services, runs `command` with `chapters` as its last arguments, and asserts that each chapter ended well.
///
/// The program has an account and a token of the operator: `ISSUER`, `USERS_URL`, `ADMIN_TOKEN`, `REDIRECT_URI`, `POST_LOGOUT_URI`,
/// `USER_NAME` and `PASSWORD`. Clients may register themselves with an initial access token.
pub(super) async fn run_chapters(options: StackOptions, command: &mut Command, chapters: &[&str]) {
    let stack = Stack::with(options.with("VESTIBULE_AUTH__REGISTRATION__CLIENTS", "token")).await;
    let ann = stack.register("ann").await;
    let output = command
        .args(chapters)
        .env("ISSUER", stack.auth_url(""))
        .env("USERS_URL", stack.users_url(""))
        .env("ADMIN_TOKEN", stack.operator_token().await)
        .env("REDIRECT_URI", CALLBACK)
        .env("POST_LOGOUT_URI", SIGNED_OUT)
        .env("USER_NAME", &ann.user_name)
        .env("PASSWORD", &ann.password)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts: run scripts/setup");
    let printed = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "after {printed}: {error}");
    assert_eq!(printed.lines().collect::<Vec<_>>(), chapters, "{error}");
}
