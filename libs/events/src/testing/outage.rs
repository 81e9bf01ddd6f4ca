//! A loop whose database refuses: few tries and one line, not a flood of both.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chassis::shutdown::{Phase, Shutdown};
use tokio::sync::Notify;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// The longest time for the tries.
const LONGEST: Duration = Duration::from_secs(60);

/// The levels of the lines of `chassis::backoff`, of which a loop writes one a try, and of all other warnings.
#[derive(Clone, Default)]
struct Lines {
    all: Arc<Mutex<Vec<(bool, tracing::Level)>>>,
    written: Arc<Notify>,
}

impl<S: tracing::Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let known = event.metadata();
        let retry = known.target().starts_with("chassis::backoff");
        if retry
            || ["events", "brokers", "webhooks"]
                .iter()
                .any(|ours| known.target().starts_with(ours))
        {
            self.all.lock().unwrap().push((retry, *known.level()));
            self.written.notify_one();
        }
    }
}

impl Lines {
    fn tries(&self) -> usize {
        self.all
            .lock()
            .unwrap()
            .iter()
            .filter(|(retry, _)| *retry)
            .count()
    }

    fn loud(&self) -> usize {
        let lines = self.all.lock().unwrap();
        lines
            .iter()
            .filter(|(_, level)| *level <= tracing::Level::WARN)
            .count()
    }
}

/// Runs a loop against a database that refuses everything at once, until it has tried `tries` times, which takes it
/// `pauses` at least: a busy machine makes it longer, nothing makes it shorter.
pub async fn tries_seldom_and_says_so_once<F>(
    tries: usize,
    pauses: Duration,
    start: impl FnOnce(Shutdown) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let lines = Lines::default();
    // Beside a second subscriber, `tracing` asks both whether they want a line. Of one alone it asks the thread that is first at the
    // line, which may be another test's, and keeps the answer.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.clone()));
    let shutdown = Shutdown::new();
    let began = Instant::now();
    shutdown.spawn("test", start(shutdown.clone()));
    let tried = async {
        while lines.tries() < tries {
            lines.written.notified().await;
        }
    };
    let tried = tokio::time::timeout(LONGEST, tried).await;
    assert!(tried.is_ok(), "only {} tries", lines.tries());
    assert!(began.elapsed() >= pauses, "{:?}", began.elapsed());
    assert_eq!(lines.loud(), 1, "one line when it begins");
    shutdown.advance(Phase::Stopping);
    shutdown.finish(Duration::from_secs(20)).await.unwrap();
}
