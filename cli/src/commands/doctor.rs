//! `vestibule doctor`: what is wrong, and how to mend it.

use crate::api::Target;
use crate::failure::{Code, Failure};

/// Look for what is wrong, and say how to mend it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule doctor
  vestibule doctor --data /var/lib/vestibule --output json")]
pub(crate) struct Doctor {
    #[command(flatten)]
    target: Target,
}

impl Doctor {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let _ = self.target.output;
        Err(Failure::new(Code::Failed, "not yet"))
    }
}
