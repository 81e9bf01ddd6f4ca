//! `vestibule`: the command-line tool, which starts the services on one machine and administers them anywhere.
//!
//! It is built as two programs. `vestibule` contains the services, for `vestibule up`. `vestibule-cli` is the tool
//! alone, a third of the size, for use where the services run elsewhere. The image `vestibule/cli` holds it.

mod api;
mod apply;
mod backup;
mod commands;
mod datadir;
mod error;
mod import;
mod logs;
mod output;
mod services;
mod supervisor;

use std::process::ExitCode;

pub use services::{EmbeddedServices, RunService, ServiceError};

/// Small and fast under the services' many short-lived buffers, and free of glibc's per-thread arenas.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the command that the command line names. Without `services` it cannot start any service.
pub fn run(services: Option<EmbeddedServices>) -> ExitCode {
    let command = commands::parse(services.is_some());
    match commands::run(command, services) {
        Ok(code) => code,
        Err(failure) => {
            output::print_error(&failure);
            failure.exit_code()
        }
    }
}
