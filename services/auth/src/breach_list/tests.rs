//! Tests of the breach list: the filter, the pieces and the range files.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data/passwords")
        .join(name)
}

fn lines(name: &str) -> Vec<String> {
    fs::read_to_string(data(name))
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn phrases() -> Vec<String> {
    let bare = |phrase: &String| phrase.split_whitespace().collect::<String>();
    lines("phrases.txt").iter().map(bare).collect()
}

#[test]
fn the_filter_that_is_compiled_in_is_that_of_the_lists() {
    let keys = lines("common.txt")
        .iter()
        .chain(&phrases())
        .map(|password| key(password))
        .collect();
    let made = Filter::of(keys).unwrap().to_bytes();
    if testkit::is_generating() {
        fs::write(data("common.filter"), &made).unwrap();
    }
    let there = fs::read(data("common.filter")).unwrap();
    assert!(made == there, "scripts/generate makes it again");
    assert!(there.len() < 64 * 1024, "{} bytes", there.len());
    assert!(COMMON.is_some());
}

#[test]
fn every_common_password_is_refused_however_it_is_decorated() {
    // SB-4
    let breached = BreachList::default();
    for password in lines("common.txt") {
        assert!(breached.contains(&password), "{password}");
        assert!(breached.contains(&password.to_uppercase()), "{password}");
    }
    for phrase in lines("phrases.txt") {
        for form in [
            phrase.clone(),
            phrase.replace(' ', ""),
            phrase.replace(' ', "-"),
            phrase.to_uppercase(),
            format!("{phrase}!"),
            format!("{phrase} 2026"),
        ] {
            assert!(breached.contains(&form), "{form}");
        }
    }
    assert!(breached.contains("correct horse battery staple"));
    assert!(breached.contains("CorrectHorseBatteryStaple1!"));
}

#[test]
fn common_passwords_joined_or_repeated_are_refused() {
    // SB-4
    let breached = BreachList::default();
    let pieces = lines("pieces.txt");
    for (number, first) in pieces.iter().enumerate() {
        let other = |step: usize| pieces[(number * 7919 + step) % pieces.len()].as_str();
        for joined in [
            format!("{first}{}", other(1)),
            format!("{first} {} {}", other(2), other(3)),
            format!("{first}-{}-{}", other(4), other(5)),
            first.repeat(5),
            format!("{first} ").repeat(9),
        ] {
            assert!(breached.contains(&joined), "{joined}");
        }
    }
    // zxcvbn calls these good.
    for guess in [
        "dragonmonkeyshadow",
        "Master Sunshine Princess",
        "football-baseball-soccer99",
    ] {
        assert!(breached.contains(guess), "{guess}");
    }
}

#[test]
fn what_nobody_else_would_put_together_is_fine() {
    let breached = BreachList::default();
    for good in [
        "gorse-tin-vivid",
        "quietly orbiting walnut",
        "plum orbit canvas sixteen",
        "purple monkey dragon banana",
        "738205916473829105",
        "ьждщфэцзюшхйыаг",
        "gorse tin gorse tin vivid",
        "swordfish 738205916473",
        "",
    ] {
        assert!(!breached.contains(good), "{good}");
    }
}

#[test]
fn a_filter_is_wrong_as_seldom_as_it_says() {
    // Counted: which of 200,000 passwords are taken for one of the list, by the list that is compiled in.
    let breached = BreachList::default();
    let wrong = (0..200_000_u64)
        .filter(|number| breached.is_listed(&format!("a password that nobody has: {number}")))
        .count();
    assert!(wrong <= 12, "{wrong} of 200,000, and 3 are expected");
}

#[test]
fn the_operators_list_is_asked_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.filter");
    let password = "plum orbit canvas sixteen";
    assert!(!BreachList::default().contains(password));
    Filter::of(vec![key(password), 7, 7])
        .unwrap()
        .write(&file)
        .unwrap();
    let breached = BreachList::open(Some(&file)).unwrap();
    assert!(breached.contains(password));
    assert!(
        breached.contains("correct horse battery staple"),
        "and the one that is compiled in"
    );
    assert!(!breached.contains("quietly orbiting walnut"));
    assert_eq!(Filter::read(&file).unwrap().passwords(), 2);
}

#[test]
fn a_file_that_is_no_filter_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.filter");
    assert!(matches!(
        BreachList::open(Some(&file)),
        Err(FilterError::Io { .. })
    ));
    let good = Filter::of((0..1000).collect()).unwrap().to_bytes();
    for at in (0..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(Filter::from_bytes(&bad).is_err(), "byte {at}");
        assert!(Filter::from_bytes(&good[..at]).is_err(), "{at} bytes");
    }
    assert!(matches!(Filter::of(Vec::new()), Err(FilterError::Size)));
}

#[test]
fn range_files_are_read_as_they_are_downloaded() {
    // The SHA-1 of "password" is 5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8.
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let zeros = "0".repeat(34);
    write("5BAA6.txt", "1E4C9B93F3F0682250B6CF8331B7EE68FD8:9659365\r\n");
    write("00000", &format!("{zeros}A:5\r\n{zeros}B:4\r\n{zeros}c:0"));
    let read = Ranges::read(folder.path(), 5).unwrap();
    let mut keys = read.keys.clone();
    keys.sort_unstable();
    assert_eq!((read.files, keys), (2, vec![0, key("password")]));
    assert_eq!(
        Ranges::read(folder.path(), 0).unwrap().keys.len(),
        3,
        "padding is left out"
    );
    write("00001.txt", "nonsense");
    assert!(matches!(
        Ranges::read(folder.path(), 1),
        Err(RangeError::Line { line: 1, .. })
    ));
    fs::remove_file(folder.path().join("00001.txt")).unwrap();
    write("notes.txt", "");
    assert!(matches!(Ranges::read(folder.path(), 1), Err(RangeError::Name(_))));
}

proptest! {
    #[test]
    fn a_filter_holds_what_was_put_into_it(keys in prop::collection::vec(any::<u64>(), 1..300)) {
        let filter = Filter::of(keys.clone()).unwrap();
        let again = Filter::from_bytes(&filter.to_bytes()).unwrap();
        for key in keys {
            prop_assert!(filter.contains(key) && again.contains(key));
        }
    }

    #[test]
    fn a_unit_gives_the_whole(text in "[ab]{1,3}", times in 2..6_usize) {
        let whole = text.repeat(times);
        let unit = pieces::repeated_unit(&whole).unwrap();
        prop_assert_eq!(&unit.repeat(whole.len() / unit.len()), &whole);
        prop_assert!(unit.len() <= text.len());
        prop_assert_eq!(pieces::repeated_unit(unit), None);
    }

    #[test]
    fn anything_is_judged(text in "\\PC{0,80}") {
        BreachList::default().contains(&text);
    }
}
