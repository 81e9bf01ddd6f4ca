//! `faults-worker SETTINGS.json`: one worker of the fault tests, which their driver starts.

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_ansi(false)
        .log_internal_errors(false)
        .init();
    let path = std::env::args_os()
        .nth(1)
        .context("usage: faults-worker SETTINGS.json")?;
    let settings = serde_json::from_slice(&std::fs::read(&path)?).context("the settings")?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(faults::worker::run(settings))
}
