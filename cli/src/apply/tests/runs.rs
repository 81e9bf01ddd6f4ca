//! Tests of a run against a service that gives prepared answers.

use std::process::ExitCode;

use super::*;
use crate::api::testing::Script;
use crate::apply::{self, Options};
use crate::error::ErrorCode;
use crate::output::Format;

const RUN: Options<'_> = Options {
    plan: PlanOptions {
        make_secret_files: true,
        ..NONE
    },
    wait: std::time::Duration::ZERO,
    format: Format::Table,
};
const DRY_RUN: Options<'_> = Options {
    plan: PlanOptions {
        dry_run: true,
        ..NONE
    },
    ..RUN
};

const TWO: &str = "[clients.a]\nredirect_uris = [\"https://a.example/cb\"]\ntoken_endpoint_auth_method = \"none\"\n\
    [clients.b]\nredirect_uris = [\"https://b.example/cb\"]\ntoken_endpoint_auth_method = \"none\"\n\
    [clients.c]\nredirect_uris = [\"https://c.example/cb\"]\ntoken_endpoint_auth_method = \"none\"\n";

/// The answers to the four lists of an installation without anything.
fn nothing() -> Vec<(u16, Value)> {
    vec![
        (200, json!({ "clients": [] })),
        (200, json!({ "protected_hosts": [] })),
        (200, json!({ "managed": [] })),
        (200, json!({ "managed": [] })),
    ]
}

async fn run(
    text: impl AsRef<[u8]>,
    answers: &[(u16, Value)],
    options: Options<'_>,
) -> (Script, Result<ExitCode, CommandError>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("vestibule.toml");
    std::fs::write(&path, text).expect("written");
    let (script, api) = Script::start(answers).await;
    let outcome = apply::run(&api, &path, options).await;
    (script, outcome)
}

/// The text of the error, which has this code.
fn failed(outcome: Result<ExitCode, CommandError>, code: ErrorCode) -> String {
    let error = outcome.expect_err("it failed");
    assert_eq!(error.code(), code, "{error}");
    error.to_string()
}

fn changes(script: &Script) -> Vec<String> {
    let requests = script.requests().into_iter().map(|(request, _)| request);
    requests
        .filter(|request| request.contains("/managed/") && !request.contains("limit="))
        .collect()
}

#[tokio::test]
async fn a_failure_in_the_middle_says_what_was_done_and_what_was_not() {
    let mut answers = nothing();
    answers.push((201, json!({})));
    answers.push((422, json!({ "title": "Invalid", "errors": [{ "field": "metadata.scope", "detail": "expected another" }] })));
    let (script, outcome) = run(TWO, &answers, RUN).await;
    let error = failed(outcome, ErrorCode::Usage);
    for words in [
        "client b: ",
        "metadata.scope",
        "1 of 3 steps are done.",
        "Not done: client c.",
    ] {
        assert!(error.contains(words), "{words}: {error}");
    }
    assert_eq!(changes(&script).len(), 2, "the step after it is not tried");
}

#[tokio::test]
async fn a_refusal_is_named_and_is_neither_success_nor_a_difference() {
    for (status, code) in [
        (400, ErrorCode::Usage),
        (403, ErrorCode::Denied),
        (409, ErrorCode::Conflict),
        (413, ErrorCode::Usage),
        (422, ErrorCode::Usage),
        (428, ErrorCode::Failed),
        (500, ErrorCode::Failed),
    ] {
        for format in [Format::Table, Format::Json] {
            let mut answers = nothing();
            answers.push((status, json!({ "title": "The service says no" })));
            let (script, outcome) = run(TWO, &answers, Options { format, ..RUN }).await;
            let error = failed(outcome, code);
            for words in ["client a: ", "The service says no", "0 of 3 steps are done."] {
                assert!(error.contains(words), "{status}: {error}");
            }
            assert_eq!(changes(&script).len(), 1, "{status}");
            assert!(![0, apply::CHANGES_FOUND].contains(&(code as u8)), "{status}");
        }
    }
}

#[tokio::test]
async fn a_removal_that_is_refused_is_named() {
    let there = json!({ "client_id": "a", "origin": "administrator", "version": 4, "redirect_uris": ["https://a.example/cb"] });
    let mark = json!({ "id": "a", "managed_by": "default", "made": true, "settings": {} });
    let answers = [
        (200, json!({ "clients": [there] })),
        (200, json!({ "protected_hosts": [] })),
        (200, json!({ "managed": [mark] })),
        (200, json!({ "managed": [] })),
        (403, json!({ "title": "The service says no" })),
    ];
    let options = Options {
        plan: PlanOptions {
            prune: true,
            prune_all: true,
            ..NONE
        },
        ..RUN
    };
    let (script, outcome) = run("", &answers, options).await;
    let error = failed(outcome, ErrorCode::Denied);
    assert!(
        error.contains("client a: ") && error.contains("The service says no"),
        "{error}"
    );
    assert_eq!(changes(&script).len(), 1);
}

#[tokio::test]
async fn a_change_by_somebody_else_is_a_conflict() {
    let mut answers = nothing();
    answers.push((412, json!({ "title": "It was changed meanwhile" })));
    let (_, outcome) = run(TWO, &answers, RUN).await;
    let error = failed(outcome, ErrorCode::Conflict);
    assert!(error.contains("somebody else changed it meanwhile"), "{error}");
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let (script, outcome) = run(TWO, &nothing(), DRY_RUN).await;
    assert_eq!(
        format!("{:?}", outcome.expect("planned")),
        format!("{:?}", ExitCode::from(7))
    );
    assert_eq!(changes(&script), [""; 0]);
    let (_, outcome) = run("", &nothing(), DRY_RUN).await;
    assert_eq!(
        format!("{:?}", outcome.expect("planned")),
        format!("{:?}", ExitCode::SUCCESS)
    );
}

#[tokio::test]
async fn a_reference_that_cannot_be_read_stops_before_the_first_change() {
    let text = format!(
        "{TWO}[clients.d]\nredirect_uris = [\"https://d.example/cb\"]\nclient_secret_env = \"VESTIBULE_TEST_NO_SUCH\"\n"
    );
    let (script, outcome) = run(&text, &nothing(), RUN).await;
    let error = failed(outcome, ErrorCode::Usage);
    assert!(
        error.contains("clients.d.client_secret_env: the environment variable is not set"),
        "{error}"
    );
    assert!(
        !error.contains("VESTIBULE_TEST_NO_SUCH"),
        "it may be the secret by mistake: {error}"
    );
    assert_eq!(changes(&script), [""; 0]);
}

#[tokio::test]
async fn a_service_that_is_not_there_yet_is_waited_for() {
    let mut answers = vec![(503, json!({ "title": "Starting" }))];
    answers.extend(nothing().into_iter().take(2));
    answers.push((404, json!({ "title": "A replica of the release before" })));
    answers.extend(nothing());
    for wait in [std::time::Duration::from_secs(30), std::time::Duration::MAX] {
        let (_, outcome) = run("", &answers, Options { wait, ..DRY_RUN }).await;
        assert!(outcome.is_ok(), "{outcome:?}");
    }
    let (_, outcome) = run("", &answers, RUN).await;
    assert!(failed(outcome, ErrorCode::Unreachable).contains("Starting"));
    let (_, outcome) = run("", &answers[1..], RUN).await;
    assert!(failed(outcome, ErrorCode::NotFound).contains("no declarative files yet"));
}

#[test]
fn a_secret_that_cannot_be_printed_is_not_sent() {
    let secret = secrecy::SecretString::from("0123456789abcdef0123456789abcdef".to_owned());
    for kind in [std::io::ErrorKind::BrokenPipe, std::io::ErrorKind::StorageFull] {
        let error = apply::execute::print_secret(&mut Gone(kind), "shop", &secret).expect_err("it is gone");
        assert!(error.to_string().contains("is not sent"), "{error}");
    }
}

/// An output that nobody reads any more.
struct Gone(std::io::ErrorKind);

impl std::io::Write for Gone {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The tool makes the secret and sends it, so that it is known when the answer is lost.
#[tokio::test]
async fn a_printed_secret_is_sent_and_not_awaited() {
    let text = "[clients.shop]\nredirect_uris = [\"https://shop.example/cb\"]\n";
    let options = Options {
        plan: PlanOptions {
            show_secrets: true,
            ..NONE
        },
        ..RUN
    };
    let mut answers = nothing();
    answers.push((500, json!({ "title": "The answer is lost" })));
    let (script, outcome) = run(text, &answers, options).await;
    assert!(outcome.is_err());
    let requests = script.requests();
    let (_, body) = requests.last().expect("a request");
    let sent = body["client_secret"].as_str().expect("the tool made it");
    assert!(sent.len() >= 43, "{sent}");
    assert_eq!(body["expected_managed_by"], Value::Null);
    let json = Options {
        format: Format::Json,
        ..options
    };
    let (script, outcome) = run(text, &nothing(), json).await;
    assert!(failed(outcome, ErrorCode::Usage).contains("--make-secret-files"));
    assert_eq!(changes(&script), [""; 0]);
}

#[tokio::test]
async fn a_mark_is_brought_up_to_date_without_a_change() {
    let text =
        "[clients.a]\nredirect_uris = [\"https://a.example/cb\"]\ntoken_endpoint_auth_method = \"none\"\n";
    let there = json!({ "client_id": "a", "origin": "administrator", "version": 4, "redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "none" });
    let mark =
        json!({ "id": "a", "managed_by": "default", "made": true, "settings": { "client_name": "Old" } });
    let mut answers = vec![
        (200, json!({ "clients": [there] })),
        (200, json!({ "protected_hosts": [] })),
        (200, json!({ "managed": [mark] })),
        (200, json!({ "managed": [] })),
        (200, json!({})),
    ];
    let (script, outcome) = run(text, &answers, DRY_RUN).await;
    assert_eq!(
        format!("{:?}", outcome.expect("planned")),
        format!("{:?}", ExitCode::SUCCESS)
    );
    assert_eq!(changes(&script), [""; 0]);
    let (script, outcome) = run(text, &answers, RUN).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(changes(&script), ["/admin/v1/managed/clients/a if \"4\""]);
    assert_eq!(script.requests()[4].1["expected_managed_by"], "default");
    answers[4] = (412, json!({ "title": "It was changed meanwhile" }));
    let (_, outcome) = run(text, &answers, RUN).await;
    assert!(failed(outcome, ErrorCode::Conflict).contains("client a: somebody else changed it"));
}

#[tokio::test]
async fn a_file_that_is_no_text_or_too_large_is_named() {
    let too_large = vec![b'#'; 1024 * 1024 + 1];
    for (text, words) in [
        (too_large, "vestibule.toml: expected a file of at most 1 MiB"),
        (
            b"name = \"a\"\n# \xff".to_vec(),
            "vestibule.toml:2: expected UTF-8",
        ),
    ] {
        let (script, outcome) = run(&text, &nothing(), RUN).await;
        let error = failed(outcome, ErrorCode::Usage);
        assert!(error.contains(words), "{error}");
        assert!(script.requests().is_empty(), "nothing is sent");
    }
    let (_, outcome) = run(vec![b'#'; 1024 * 1024], &nothing(), RUN).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    let (_, api) = Script::start(&nothing()).await;
    let endless = apply::run(&api, Path::new("/dev/zero"), RUN).await;
    assert!(failed(endless, ErrorCode::Usage).contains("at most 1 MiB"));
}
