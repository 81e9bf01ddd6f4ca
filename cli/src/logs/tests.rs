//! Tests of the log rendering.

use jiff::tz::TimeZone;

use super::*;

const LINE: &str = r#"{"@timestamp":"2026-11-22T21:40:05.120456Z","log.level":"warn","ecs.version":"8.11.0",
    "message":"signed in","service":{"name":"auth","version":"0.1.0"},"user":{"id":"ann"},"event.duration":12,
    "trace.id":"4bf9","http.request.path":"/a b"}"#;

fn renderer(style: Style) -> Renderer {
    Renderer {
        style,
        zone: TimeZone::UTC,
    }
}

#[test]
fn a_record_becomes_one_line_with_time_service_level_message_and_fields() {
    let record = LogRecord::parse(LINE).expect("an ECS line");
    assert_eq!(
        renderer(Style::PLAIN).record("auth", &record),
        "21:40:05.120 auth      WARN  signed in event.duration=12 http.request.path=\"/a b\" trace.id=4bf9 user.id=ann"
    );
}

#[test]
fn colours_are_only_added_around_the_same_words() {
    let record = LogRecord::parse(LINE).expect("an ECS line");
    let coloured = renderer(Style::COLOURED).record("auth", &record);
    assert!(coloured.contains("\x1b[33mWARN \x1b[0m"), "{coloured:?}");
    let mut plain = coloured;
    for code in ["2", "33", "36", "0"] {
        plain = plain.replace(&format!("\x1b[{code}m"), "");
    }
    assert_eq!(plain, renderer(Style::PLAIN).record("auth", &record));
}

#[test]
fn what_is_no_record_is_shown_as_it_is() {
    assert_eq!(
        LogRecord::parse("thread 'main' panicked at src/lib.rs:1:1:"),
        None
    );
    assert_eq!(LogRecord::parse("[1,2]"), None);
    assert_eq!(
        renderer(Style::PLAIN)
            .raw("users", "thread 'main' panicked")
            .trim_start(),
        "users           thread 'main' panicked"
    );
}

// SB-34
#[test]
fn a_line_cannot_steer_the_terminal_or_pose_as_another_line() {
    let line =
        "{\"message\":\"name \\u001b[2Jx\\n23:00:00 auth INFO all is well\",\"user.name\":\"\\u202egnp\"}";
    let shown = renderer(Style::PLAIN).record("auth", &LogRecord::parse(line).expect("an ECS line"));
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    assert!(!shown.contains('\u{202e}'), "{shown:?}");
    assert!(shown.contains("\\n23:00:00"), "{shown:?}");
}

#[test]
fn fields_are_found_by_their_dotted_name_however_they_are_nested() {
    for line in [
        r#"{"message":"m","vestibule":{"setup":{"url":"http://x/setup?token=t"}}}"#,
        r#"{"message":"m","vestibule.setup.url":"http://x/setup?token=t"}"#,
    ] {
        let record = LogRecord::parse(line).expect("an ECS line");
        assert_eq!(
            record.field("vestibule.setup.url"),
            Some("http://x/setup?token=t")
        );
    }
}

#[test]
fn of_a_chain_of_causes_the_last_is_shown_and_a_message_only_once() {
    let line = r#"{"message":"cannot fetch keys: no answer","error.message":"no answer",
        "error.stack_trace":"no answer\ncaused by: send failed\ncaused by: Connection refused"}"#;
    let shown = renderer(Style::PLAIN).record("auth", &LogRecord::parse(line).expect("an ECS line"));
    assert!(
        shown.ends_with("cannot fetch keys: no answer error.cause=\"Connection refused\""),
        "{shown}"
    );
}

#[test]
fn a_backtrace_stands_below_its_line() {
    let line = r#"{"message":"panicked","error.stack_trace":"boom\n  at a.rs:1\n  at b.rs:2"}"#;
    let shown = renderer(Style::PLAIN).record("auth", &LogRecord::parse(line).expect("an ECS line"));
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[1..], ["    boom", "      at a.rs:1", "      at b.rs:2"]);
}
