//! `vestibule`: starts the services on one machine, and administers them wherever they run.

mod api;
mod backup;
mod commands;
mod datadir;
mod failure;
mod logs;
mod output;
mod supervisor;

use std::process::ExitCode;

use clap::Parser;

/// Small and fast under the services' many short-lived buffers, and free of glibc's per-thread arenas.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = commands::Cli::parse();
    match commands::run(cli.command) {
        Ok(code) => code,
        Err(failure) => {
            output::error(&failure);
            failure.exit_code()
        }
    }
}
