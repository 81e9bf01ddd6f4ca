//! `vestibule apply`: brings the installation to what a declarative file says.

mod current;
mod effects;
mod execute;
mod export;
mod file;
mod metadata;
mod perform;
mod plan;
mod secrets;
mod show;
mod step;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use reqwest::StatusCode;

use crate::api::{ApiClient, ApiError, retry_if};
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style};
use crate::output::{self, Format};

use current::Current;
use execute::execute;
use file::Declared;
use perform::Outcome;
pub(crate) use plan::PlanOptions;
use plan::plan;

/// The largest file, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// The exit code of a dry run that found something to change.
pub(crate) const CHANGES_FOUND: u8 = 7;

/// The options of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options<'a> {
    /// Those that decide about steps.
    pub(crate) plan: PlanOptions<'a>,
    /// The time for which a service that does not answer is asked again.
    pub(crate) wait: Duration,
    pub(crate) format: Format,
}

/// Applies a file. `-` stands for standard input.
///
/// # Errors
/// When the file is not valid, when it asks for what apply does not do, or when a call fails. What was done before is said.
pub(crate) async fn run(
    api: &ApiClient,
    path: &Path,
    options: Options<'_>,
) -> Result<ExitCode, CommandError> {
    let declared = Declared::parse(path, &read(path)?)?;
    let current = read_current(api, !declared.scopes.is_empty(), options.wait).await?;
    let known = secrets::compare(api, &declared, &current).await?;
    let planning = PlanOptions {
        own_client: api.client_id(),
        ..options.plan
    };
    let plan = plan(&declared, &current, planning, &known)?;
    match options.format {
        Format::Table => {
            let style = Style::choose(Color::Auto, &io::stdout());
            output::print_line(show::plan_text(&plan, style))?;
        }
        Format::Json if options.plan.dry_run => {
            let planned = vec![Outcome::Planned; plan.steps.len()];
            output::print_json(&show::json_of(&plan, &planned, true))?;
        }
        // The object with the outcomes is printed at the end. The steps are logged before that.
        Format::Json => {
            let style = Style::choose(Color::Auto, &io::stderr());
            output::print_remark(show::plan_text(&plan, style));
        }
    }
    if options.plan.dry_run {
        return Ok(match plan.steps.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(CHANGES_FOUND),
        });
    }
    execute(api, declared.name.as_str(), &plan, options).await?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the installation as a declarative file, or its tables as JSON.
///
/// # Errors
/// Those of the calls.
pub(crate) async fn print_current(
    api: &ApiClient,
    wait: Duration,
    format: Format,
) -> Result<ExitCode, CommandError> {
    let current = read_current(api, false, wait).await?;
    match format {
        Format::Table => output::print_line(export::file_of(&current)?.trim_end())?,
        Format::Json => output::print_json(&export::json_of(&current))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the state of the installation, and asks again for a while when the service is not there yet.
async fn read_current(api: &ApiClient, with_scopes: bool, wait: Duration) -> Result<Current, CommandError> {
    let read = retry_if(wait, is_starting, || Current::read(api, with_scopes)).await;
    read.map_err(|error| match error.status() {
        Some(StatusCode::NOT_FOUND) => CommandError::from(error)
            .hint("The authentication service may be of a release that has no declarative files yet."),
        _ => error.into(),
    })
}

/// True if the service may answer soon. A replica of the release before does not have the marks yet.
fn is_starting(error: &ApiError) -> bool {
    error.is_temporary() || error.status() == Some(StatusCode::NOT_FOUND)
}

/// Reads the text of the file. Its errors repeat nothing of it.
fn read(path: &Path) -> Result<String, CommandError> {
    let shown = path.display();
    let wrong = |problem: String| CommandError::new(ErrorCode::Usage, problem);
    let mut bytes = Vec::new();
    let read = match path == Path::new("-") {
        true => io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes),
        false => File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)),
    };
    let size = read.map_err(|error| wrong(format!("cannot read {shown}: {error}")))?;
    if size as u64 > MAX_FILE {
        return Err(wrong(format!("{shown}: expected a file of at most 1 MiB")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.as_bytes().get(..error.utf8_error().valid_up_to());
        let line = valid.unwrap_or_default().split(|&byte| byte == b'\n').count();
        wrong(format!("{shown}:{line}: expected UTF-8"))
    })
}
