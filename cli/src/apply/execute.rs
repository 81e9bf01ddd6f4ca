//! The execution of a plan: its steps one after the other, up to the first that fails.

use std::io::{self, Write};

use secrecy::{ExposeSecret, SecretString};

use super::perform::{Outcome, perform};
use super::step::{Plan, SecretAct, Step};
use super::{Options, secrets, show};
use crate::api::ApiClient;
use crate::error::{CommandError, ErrorCode};
use crate::output::{self, Format};

/// Does the steps, and then brings outdated marks up to date.
///
/// # Errors
/// When a secret cannot be read or made, before the first step; and those of the first step that fails, with what was done before.
pub(super) async fn execute(
    api: &ApiClient,
    managed_by: &str,
    plan: &Plan,
    options: Options<'_>,
) -> Result<(), CommandError> {
    let makes_files = options.plan.make_secret_files;
    check_secrets(plan, makes_files, options.format)?;
    let mut outcomes = vec![Outcome::NotDone; plan.steps.len()];
    let mut failure = None;
    for (step, outcome) in plan.steps.iter().zip(&mut outcomes) {
        let mut done = make(api, managed_by, step, makes_files).await;
        *outcome = match &done {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Failed(error.to_string()),
        };
        if done.is_ok() && options.format == Format::Table {
            done = output::print_line(show::done_line(step));
        }
        if let Err(error) = done {
            failure = Some((step, error));
            break;
        }
    }
    if options.format == Format::Json {
        output::print_json(&show::json_of(plan, &outcomes, false))?;
    }
    if let Some((step, error)) = failure {
        return Err(failed(plan, &outcomes, step, &error));
    }
    for step in &plan.outdated_marks {
        let marked = perform(api, managed_by, step, None).await;
        marked
            .map_err(|error| CommandError::new(error.code(), format!("{}: {error}", show::object(step))))?;
    }
    Ok(())
}

/// Checks the secrets of all steps before anything is changed.
fn check_secrets(plan: &Plan, makes_files: bool, format: Format) -> Result<(), CommandError> {
    for step in &plan.steps {
        if let SecretAct::Set(source) = &step.secret {
            secrets::check(&step.id, source, makes_files)?;
        }
    }
    let mints = plan.steps.iter().any(|step| step.secret == SecretAct::Mint);
    if mints && format == Format::Json {
        return Err(CommandError::new(
            ErrorCode::Usage,
            "--show-secrets prints each secret before it is sent, which --output json cannot: name client_secret_file and use --make-secret-files",
        ));
    }
    Ok(())
}

/// The error of a step, with what was done and what was not.
fn failed(plan: &Plan, outcomes: &[Outcome], step: &Step, error: &CommandError) -> CommandError {
    let done = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Outcome::Done))
        .count();
    let rest = plan.steps.iter().zip(outcomes);
    let rest: Vec<String> = rest
        .filter(|(_, outcome)| **outcome == Outcome::NotDone)
        .map(|(step, _)| show::object(step))
        .collect();
    let mut hint = format!("{done} of {} steps are done.", plan.steps.len());
    if !rest.is_empty() {
        hint = format!("{hint} Not done: {}.", rest.join(", "));
    }
    let text = format!("{}: {error}", show::object(step));
    CommandError::new(error.code(), text).hint(format!("{hint} The same command again does what is left."))
}

/// Makes one step. Its secret is in a file, or printed, before it is sent: when the answer is lost, the secret is not.
async fn make(api: &ApiClient, managed_by: &str, step: &Step, makes_files: bool) -> Result<(), CommandError> {
    let secret = match &step.secret {
        SecretAct::None => None,
        SecretAct::Set(source) if makes_files => Some(secrets::read_or_make(&step.id, source)?),
        SecretAct::Set(source) => Some(secrets::read(&step.id, source)?),
        SecretAct::Mint => {
            let secret = secrets::new();
            print_secret(&mut io::stdout().lock(), &step.id, &secret)?;
            Some(secret)
        }
    };
    perform(api, managed_by, step, secret).await
}

/// Prints a secret. Unlike other output it may not be lost to a reader that is gone.
pub(super) fn print_secret(
    out: &mut impl Write,
    id: &str,
    secret: &SecretString,
) -> Result<(), CommandError> {
    output::print_remark("Keep the secret now: it is not shown again. It is good once its client is made.");
    let secret = secret.expose_secret();
    let written = writeln!(out, "client_id      {id}\nclient_secret  {secret}").and_then(|()| out.flush());
    written.map_err(|error| {
        CommandError::new(
            ErrorCode::Failed,
            format!("cannot print its secret, which is not sent: {error}"),
        )
    })
}
