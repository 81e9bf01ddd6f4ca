//! Times as SCIM writes them: `xsd:dateTime` (RFC 7643 §2.3.5).

/// A point in time, in nanoseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i128);

const SECOND: i128 = 1_000_000_000;

impl Instant {
    /// Parses `YYYY-MM-DDThh:mm:ss`, with a fraction and with `Z` or an offset. A time without an offset is one of UTC. A leap
    /// second is the second after it.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_once(['T', 't'])?;
        let days = days(date)?;
        let (clock, offset) = split_offset(time)?;
        let seconds = i64::from(days) * 86_400 - offset;
        Some(Self(i128::from(seconds) * SECOND + nanos_of_day(clock)?))
    }

    /// Whole seconds since 1970 UTC.
    pub fn seconds(self) -> i64 {
        i64::try_from(self.0.div_euclid(SECOND)).unwrap_or_default()
    }
}

/// A number of exactly `length` digits.
fn digits(text: &str, length: usize) -> Option<u32> {
    let all = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok())?
}

/// Days since 1970-01-01 of a date `YYYY-MM-DD` (proleptic Gregorian).
pub(super) fn days(date: &str) -> Option<i32> {
    let mut parts = date.splitn(3, '-');
    let year = i32::try_from(digits(parts.next()?, 4)?).ok()?;
    let month = digits(parts.next()?, 2).filter(|month| (1..=12).contains(month))?;
    let day = digits(parts.next()?, 2)?;
    if day == 0 || day > days_in(year, month) {
        return None;
    }
    // Years begin in March, so that the leap day is the last day of a year.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = i32::try_from((month + 9) % 12).ok()?;
    let day_of_year = (153 * month_from_march + 2) / 5 + i32::try_from(day).ok()? - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn days_in(year: i32, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The time without its offset, and the offset in seconds.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let (clock, offset) = time.split_at_checked(at)?;
    let (sign, offset) = offset.split_at_checked(1)?;
    let (hours, minutes) = offset.split_once(':')?;
    let hours = digits(hours, 2).filter(|hours| *hours <= 14)?;
    let minutes = digits(minutes, 2).filter(|minutes| *minutes < 60)?;
    let seconds = i64::from(hours * 3600 + minutes * 60);
    Some((clock, if sign == "-" { -seconds } else { seconds }))
}

fn nanos_of_day(clock: &str) -> Option<i128> {
    let (whole, fraction) = match clock.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (clock, None),
    };
    let mut parts = whole.splitn(3, ':');
    let hours = digits(parts.next()?, 2).filter(|hours| *hours < 24)?;
    let minutes = digits(parts.next()?, 2).filter(|minutes| *minutes < 60)?;
    let seconds = digits(parts.next()?, 2).filter(|seconds| *seconds <= 60)?;
    let nanos = match fraction {
        None => 0,
        Some(text) => {
            let length = Some(text.len()).filter(|length| (1..=9).contains(length))?;
            digits(text, length)? * 10_u32.pow(u32::try_from(9 - length).ok()?)
        }
    };
    let seconds = i128::from(hours * 3600 + minutes * 60 + seconds);
    Some(seconds * SECOND + i128::from(nanos))
}
