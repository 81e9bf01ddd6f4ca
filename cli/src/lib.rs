//! `vestibule`: starts the services on one machine, and administers them wherever they run.
//!
//! There are two programs of it. `vestibule` has the services in it, for `vestibule up`. `vestibule-cli` is the tool
//! alone, a third of the size, for where the services run elsewhere: it is what the image `vestibule/cli` holds.

mod api;
mod backup;
mod commands;
mod datadir;
mod error;
mod logs;
mod output;
mod services;
mod supervisor;

use std::process::ExitCode;

pub use services::{EmbeddedServices, RunService, ServiceError};

/// Small and fast under the services' many short-lived buffers, and free of glibc's per-thread arenas.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Does what the command line says. Without `services` it cannot start any.
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
