//! Tests of the journal and of the report.

use super::super::journal::{Journal, JournalError};
use super::super::progress::line;
use super::super::report::{Report, RowRef};
use super::*;

#[test]
fn a_journal_goes_on_where_it_was_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = file(&folder, "people.csv", b"userName\nann\n");
    let path = folder.path().join("journal");
    let mut journal = Journal::open(&path, &source).expect("opened");
    assert!(!journal.is_resumed());
    journal
        .users_exist([(1, "a"), (2, "b"), (4, "d")])
        .expect("written");
    assert!(
        matches!(Journal::open(&path, &source), Err(JournalError::Locked)),
        "one import at a time"
    );
    journal.finish(2).expect("written");
    drop(journal);
    let whole = std::fs::read(&path).expect("read");
    std::fs::write(&path, [&whole[..], b"{\"row\": 5, \"id\""].concat()).expect("written");

    let mut journal = Journal::open(&path, &source).expect("opened");
    assert!(journal.is_resumed());
    assert_eq!(journal.done(), 2);
    assert_eq!(
        [1, 2, 4, 5].map(|row| journal.user(row)),
        [None, None, Some("d"), None]
    );
    journal.users_exist([(5, "e")]).expect("written");
    drop(journal);
    let journal = Journal::open(&path, &source).expect("opened");
    assert_eq!(journal.user(5), Some("e"), "half a line was removed");
    drop(journal);

    let other = file(&folder, "other.csv", b"userName\nbob\n");
    assert!(matches!(
        Journal::open(&path, &other),
        Err(JournalError::OtherFile)
    ));
    Journal::open(&path, &source)
        .expect("opened")
        .delete()
        .expect("deleted");
    assert!(!path.exists());
}

#[test]
fn a_file_that_was_corrected_anywhere_is_another_one_with_the_same_ids() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let mut content = vec![b'a'; 300_000];
    let source = file(&folder, "people.csv", &content);
    let mut journal = Journal::open(&path, &source).expect("opened");
    let digest = journal.digest().to_owned();
    journal.finish(7).expect("written");
    drop(journal);
    assert_eq!(Journal::open(&path, &source).expect("opened").done(), 7);
    for position in [0, 65_535, 65_536, 299_999] {
        content[position] = b'b';
        file(&folder, "people.csv", &content);
        let refused = Journal::open(&path, &source);
        assert!(
            matches!(refused, Err(JournalError::OtherFile)),
            "{position}: {refused:?}"
        );
        let other = Journal::open(&folder.path().join("other"), &source).expect("opened");
        assert_eq!(other.digest() == digest, position > 65_535, "{position}");
        other.delete().expect("deleted");
        content[position] = b'a';
    }
    // The header of a build before has no digest of the whole file.
    file(&folder, "people.csv", &content);
    let text = std::fs::read_to_string(&path).expect("read");
    let (header, rest) = text.split_once('\n').expect("lines");
    let mut header: Value = serde_json::from_str(header).expect("JSON");
    header.as_object_mut().expect("an object").remove("content");
    std::fs::write(&path, format!("{header}\n{rest}")).expect("written");
    let refused = Journal::open(&path, &source);
    assert!(matches!(refused, Err(JournalError::OtherFile)), "{refused:?}");
}

#[test]
fn a_resumed_report_has_the_rows_that_are_not_imported_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report");
    let mut report = Report::create(&path).expect("created");
    for number in [1, 7, 3] {
        let row = RowRef {
            number,
            line: Some(number + 1),
        };
        let rejection = Rejection::from_detail("emails[0].value: is wrong").of("ann");
        report
            .reject(row, &rejection, (number == 3).then_some("id-3"))
            .expect("written");
    }
    assert_eq!(report.lines(), 3);
    let mut report = Report::resume(&path, 3, 0).expect("resumed");
    assert_eq!(report.lines(), 2);
    let row = RowRef {
        number: 4,
        line: None,
    };
    report
        .reject(row, &Rejection::from_detail("The body is wrong: really"), None)
        .expect("written");
    assert_eq!(
        std::fs::read_to_string(&path).expect("read"),
        "{\"row\":1,\"line\":2,\"userName\":\"ann\",\"field\":\"emails[0].value\",\"reason\":\"is wrong\"}\n\
         {\"row\":3,\"line\":4,\"userName\":\"ann\",\"field\":\"emails[0].value\",\"reason\":\"is wrong\",\"id\":\"id-3\"}\n\
         {\"row\":4,\"reason\":\"The body is wrong: really\"}\n"
    );
}

#[test]
fn the_progress_has_the_rate_and_the_time_left_of_this_run() {
    let seconds = std::time::Duration::from_secs;
    assert_eq!(
        line((1500, 2), 1000, (600, 500, 1000), seconds(10)),
        "1500 rows, 2 refused, 100 a second, 00:00:40 left"
    );
    assert_eq!(
        line((0, 0), 0, (0, 0, 10), seconds(0)),
        "0 rows, 0 refused, 0 a second"
    );
}
