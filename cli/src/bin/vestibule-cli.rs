//! The tool alone, for where the services run elsewhere.

use std::process::ExitCode;

fn main() -> ExitCode {
    vestibule::run(None)
}
