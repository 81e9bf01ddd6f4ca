//! `vestibule-cli`: the tool alone, for use where the services run elsewhere.

use std::process::ExitCode;

fn main() -> ExitCode {
    vestibule::run(None)
}
