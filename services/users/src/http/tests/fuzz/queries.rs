//! Parameters of queries: filters of the grammar of RFC 7644 §3.4.2.2, pages, orders and choices of attributes.

use std::fmt::Write as _;

use super::Existing;
use super::random::Random;

const USER_ATTRIBUTES: [&str; 16] = [
    "userName",
    "id",
    "externalId",
    "emails",
    "emails.value",
    "name.familyName",
    "displayName",
    "active",
    "meta.lastModified",
    "title",
    "phoneNumbers.type",
    "groups",
    "groups.value",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
    "urn:ietf:params:scim:schemas:core:2.0:User:nickName",
    "nothing",
];
const GROUP_ATTRIBUTES: [&str; 7] = [
    "displayName",
    "id",
    "externalId",
    "members",
    "members.value",
    "meta.created",
    "nothing",
];
const OPERATORS: [&str; 11] = [
    "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "Eq", "regex",
];

fn comparison(of_users: bool, known: &Existing, random: &mut Random) -> String {
    let attribute = match of_users {
        true => *random.pick(&USER_ATTRIBUTES),
        false => *random.pick(&GROUP_ATTRIBUTES),
    };
    if random.chance(12) {
        return format!("{attribute} pr");
    }
    let value = match random.below(9) {
        0 => "true".to_owned(),
        1 => "7".to_owned(),
        2 => "null".to_owned(),
        3 => "\"2026-01-01T00:00:00Z\"".to_owned(),
        4 => format!("\"{}\"", known.user(random)),
        5 => format!("\"{}\"", known.group(random)),
        6 => serde_json::Value::from(random.text()).to_string(),
        _ => format!("\"person{}\"", random.below(300)),
    };
    format!("{attribute} {} {value}", random.pick(&OPERATORS))
}

fn filter(of_users: bool, known: &Existing, random: &mut Random, depth: usize) -> String {
    let inner = |random: &mut Random| filter(of_users, known, random, depth + 1);
    match random.below(if depth > 3 { 6 } else { 11 }) {
        6 => format!("{} and {}", inner(random), inner(random)),
        7 => format!("{} or {}", inner(random), inner(random)),
        8 => format!("not ({})", inner(random)),
        9 => format!("({})", inner(random)),
        10 if of_users => "emails[type eq \"work\" and value co \"example\"]".to_owned(),
        10 => format!("members[value eq \"{}\"]", known.user(random)),
        _ => comparison(of_users, known, random),
    }
}

/// A filter, which may be damaged.
fn damaged_filter(of_users: bool, known: &Existing, random: &mut Random) -> String {
    let mut text = filter(of_users, known, random, 0);
    match random.below(12) {
        0 => text.truncate(text.char_indices().nth(random.below(20)).map_or(0, |(at, _)| at)),
        1 => text.insert(0, *random.pick(&['(', '"', ']', ' ', '\\'])),
        2 => text = text.replacen(' ', "  ", 1),
        3 => {
            text = format!(
                "{}{text}{}",
                "(".repeat(random.below(40)),
                ")".repeat(random.below(40))
            )
        }
        4 => {
            for _ in 0..random.below(80) {
                write!(text, " or id eq \"{}\"", random.below(9)).unwrap();
            }
        }
        _ => {}
    }
    text
}

/// Some parameters of a query.
pub(super) fn parameters(
    of_users: bool,
    known: &Existing,
    random: &mut Random,
) -> Vec<(&'static str, String)> {
    let mut parameters = Vec::new();
    if random.chance(65) {
        parameters.push(("filter", damaged_filter(of_users, known, random)));
    }
    let attribute = |random: &mut Random| match of_users {
        true => (*random.pick(&USER_ATTRIBUTES)).to_owned(),
        false => (*random.pick(&GROUP_ATTRIBUTES)).to_owned(),
    };
    if random.chance(20) {
        parameters.push(("sortBy", attribute(random)));
        parameters.push((
            "sortOrder",
            (*random.pick(&["ascending", "descending", "DESCENDING", "up"])).to_owned(),
        ));
    }
    if random.chance(30) {
        let counts = [
            "0",
            "1",
            "7",
            "200",
            "100000",
            "-1",
            "9223372036854775807",
            "9223372036854775808",
            "1.5",
            "x",
            "",
        ];
        parameters.push(("count", (*random.pick(&counts)).to_owned()));
    }
    match random.below(6) {
        0 => parameters.push((
            "startIndex",
            (*random.pick(&["0", "1", "-5", "9999999999", "9223372036854775807", "a"])).to_owned(),
        )),
        1 => parameters.push((
            "cursor",
            if random.chance(60) {
                String::new()
            } else {
                random.text()
            },
        )),
        _ => {}
    }
    if random.chance(20) {
        let names: Vec<String> = (0..=random.below(3)).map(|_| attribute(random)).collect();
        let name = if random.chance(50) {
            "attributes"
        } else {
            "excludedAttributes"
        };
        parameters.push((name, names.join(",")));
    }
    parameters
}
