//! Tests of the supervisor, with shell scripts as services.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::tz::TimeZone;
use testkit::eventually;

use super::printer::PrinterThread;
use super::*;
use crate::logs::{Color, LogFormat, Renderer, Style};

/// The printed output, for a test to inspect.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("UTF-8")
    }

    async fn shows(&self, text: &str) {
        eventually(text, async || self.text().contains(text).then_some(())).await;
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn printer(page: &Page, format: LogFormat) -> (Printer, PrinterThread) {
    let renderer = Renderer {
        style: Style::choose(Color::Never, &io::stdout()),
        zone: TimeZone::UTC,
    };
    Printer::start(format, renderer, page.clone())
}

/// A service that is a shell script. It has no management listener, so it is never ready.
fn script(folder: &Path, script: &str) -> ServiceCommand {
    ServiceCommand {
        name: "auth",
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
        env: Vec::new(),
        folder: folder.to_owned(),
        management: free_address(),
    }
}

fn free_address() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, testkit::free_port()))
}

struct Stage {
    page: Page,
    stop: watch::Sender<StopRequest>,
    link: watch::Receiver<Option<String>>,
    ready: mpsc::Receiver<&'static str>,
    running: JoinSet<Result<(), CommandError>>,
    folder: tempfile::TempDir,
}

impl Stage {
    fn start(format: LogFormat, make: impl FnOnce(&Path) -> Vec<ServiceCommand>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let page = Page::default();
        let (printer, _) = printer(&page, format);
        let (stop, stopped) = watch::channel(StopRequest::None);
        let (link, links) = watch::channel(None);
        let (ready, readied) = mpsc::channel(4);
        let supervisor = Supervisor {
            printer,
            policy: RestartPolicy {
                initial_backoff: Duration::from_millis(1),
                max_backoff: Duration::from_millis(4),
                drain_timeout: Duration::from_secs(10),
                start_attempts: 5,
            },
            stop: stopped,
            link,
            ready,
        };
        let mut running = JoinSet::new();
        running.spawn(supervisor.run(make(folder.path())));
        Self {
            page,
            stop,
            link: links,
            ready: readied,
            running,
            folder,
        }
    }

    async fn end(mut self) -> Result<(), CommandError> {
        let ended = tokio::time::timeout(Duration::from_secs(20), self.running.join_next()).await;
        ended
            .expect("it ends in time")
            .expect("it ran")
            .expect("it did not panic")
    }
}

#[tokio::test]
async fn a_service_that_dies_is_started_again_and_gives_up_only_when_it_never_was_ready() {
    let stage = Stage::start(LogFormat::Text, |at| {
        vec![script(at, "echo run >> runs; echo hello; kill -9 $$")]
    });
    let runs = stage.folder.path().join("runs");
    eventually("five runs", async || {
        let text = std::fs::read_to_string(&runs).ok()?;
        (text.lines().count() == 5).then_some(())
    })
    .await;
    stage
        .page
        .shows("auth was ended by signal 9; starting it again in 1 ms")
        .await;
    let failure = stage.end().await.expect_err("it gives up");
    assert!(
        failure.to_string().starts_with("auth does not start"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_service_that_was_ready_comes_back_however_often_it_dies() {
    let management = free_address();
    let mut stage = Stage::start(LogFormat::Text, |at| {
        vec![ServiceCommand {
            management,
            ..script(at, "echo $$ >> pids; read nothing")
        }]
    });
    // The test plays the management port.
    let health = axum::Router::new().route("/health/ready", axum::routing::get(|| async { "ok" }));
    let listener = tokio::net::TcpListener::bind(management).await.expect("bound");
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, health).await });
    assert_eq!(stage.ready.recv().await, Some("auth"));
    let pids = stage.folder.path().join("pids");
    for life in 1..=7 {
        let text = eventually("another life", async || {
            let text = std::fs::read_to_string(&pids).ok()?;
            (text.lines().count() == life && text.ends_with('\n')).then_some(text)
        })
        .await;
        let pid: i32 = text.lines().last().expect("a pid").parse().expect("a number");
        let pid = rustix::process::Pid::from_raw(pid).expect("not 0");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
    }
    stage.page.shows("auth is back").await;
    stage.stop.send_replace(StopRequest::Drain);
    stage.end().await.expect("a clean end");
}

#[tokio::test]
async fn exit_codes_of_a_service_that_cannot_start_end_everything() {
    for (exit, code) in [
        (2, ErrorCode::Usage),
        (3, ErrorCode::Failed),
        (4, ErrorCode::Conflict),
    ] {
        let stage = Stage::start(LogFormat::Text, |at| {
            let other = script(at, "read nothing");
            vec![script(at, &format!("echo no such key >&2; exit {exit}")), other]
        });
        let page = stage.page.clone();
        assert_eq!(stage.end().await.expect_err("refused").code(), code);
        page.shows("no such key").await;
    }
}

#[tokio::test]
async fn a_drain_lets_a_service_finish_and_a_kill_does_not_wait() {
    let stage = Stage::start(LogFormat::Text, |at| {
        vec![script(
            at,
            "trap 'echo finishing; exit 0' TERM; echo up; while :; do read nothing; done",
        )]
    });
    stage.page.shows("up").await;
    stage.stop.send_replace(StopRequest::Drain);
    let page = stage.page.clone();
    stage.end().await.expect("a clean end");
    page.shows("finishing").await;

    let stage = Stage::start(LogFormat::Text, |at| {
        vec![script(
            at,
            "trap 'echo deaf' TERM; echo up; while :; do sleep 60; done",
        )]
    });
    stage.page.shows("up").await;
    stage.stop.send_replace(StopRequest::Drain);
    stage.stop.send_replace(StopRequest::Kill);
    let page = stage.page.clone();
    stage.end().await.expect("an end");
    page.shows("auth was killed").await;
}

#[tokio::test]
async fn the_set_up_link_is_taken_from_the_log_and_not_printed_twice() {
    let line = r#"{"message":"set up","vestibule.setup.url":"http://localhost:8000/setup?token=t"}"#;
    let mut stage = Stage::start(LogFormat::Text, |at| {
        vec![script(
            at,
            &format!("echo '{line}'; echo '{{\"message\":\"after\"}}'; read nothing"),
        )]
    });
    let link = stage
        .link
        .wait_for(Option::is_some)
        .await
        .expect("a link")
        .clone();
    assert_eq!(link.as_deref(), Some("http://localhost:8000/setup?token=t"));
    stage.page.shows("after").await;
    assert!(!stage.page.text().contains("token=t"));
    stage.stop.send_replace(StopRequest::Drain);
    stage.end().await.expect("a clean end");
}

#[tokio::test]
async fn in_ecs_format_every_line_is_json_and_the_services_own_are_untouched() {
    let line = r#"{"message":"hello","service.name":"auth","@timestamp":"2026-11-22T00:00:00Z"}"#;
    let stage = Stage::start(LogFormat::Ecs, |at| {
        vec![script(
            at,
            &format!("echo '{line}'; echo 'last words' >&2; exit 2"),
        )]
    });
    let page = stage.page.clone();
    stage.end().await.expect_err("refused");
    page.shows("last words").await;
    let text = page.text();
    assert!(text.lines().any(|printed| printed == line), "{text}");
    for printed in text.lines() {
        let value: serde_json::Value = serde_json::from_str(printed).expect("JSON");
        assert_eq!(value["service.name"], "auth");
    }
}

#[test]
fn the_wait_doubles_up_to_a_limit_and_begins_anew_after_a_recovery() {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(300));
    let young = Duration::from_secs(1);
    let waits: Vec<_> = (0..4).map(|_| backoff.next_delay(young).as_millis()).collect();
    assert_eq!(waits, [100, 200, 300, 300]);
    assert_eq!(backoff.exits, 4);
    assert_eq!(backoff.next_delay(Duration::from_secs(60)).as_millis(), 100);
    assert_eq!(backoff.exits, 1);
}
