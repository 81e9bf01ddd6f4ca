//! LDIF (RFC 2849): people of `inetOrgPerson` (RFC 2798), with `userPassword` (RFC 2307) as password hash, and groups of
//! `groupOfNames`, `groupOfUniqueNames` (RFC 4519 §3.5, §3.6) and `posixGroup` (RFC 2307 §4).

use std::io::{self, BufRead};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

use super::super::lines::{Lines, too_long_record};
use super::super::{GroupRecord, Item, MAX_RECORD_BYTES, MemberReference, Record, Rejection, Row};
use super::{put, put_value};

/// A reader of entries. An entry without `uid` or `mail`, such as a unit of the organisation, is passed over.
#[derive(Debug)]
pub(super) struct Ldif<R> {
    lines: Lines<R>,
    number: u64,
}

/// An entry: the attributes with their values, names in lower case.
type Entry = Vec<(String, String)>;

impl<R: BufRead> Ldif<R> {
    /// The entries of `input`.
    pub(super) fn new(input: R) -> Self {
        Self {
            lines: Lines::new(input),
            number: 0,
        }
    }

    /// The next person or group.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn next_row(&mut self) -> io::Result<Option<Row>> {
        while let Some((line, entry)) = self.next_entry()? {
            let item = match entry {
                Ok(entry) if is_group(&entry) => group(&entry).map(Item::Group),
                Ok(entry) if !is_person(&entry) => continue,
                Ok(entry) => person(&entry).map(Item::User),
                Err(rejection) => Err(rejection),
            };
            self.number += 1;
            return Ok(Some(Row {
                number: self.number,
                line: Some(line),
                item,
            }));
        }
        Ok(None)
    }

    /// The lines up to the next empty one, unfolded.
    fn next_entry(&mut self) -> io::Result<Option<(u64, Result<Entry, Rejection>)>> {
        let mut unfolded: Vec<String> = Vec::new();
        let mut begin = None;
        let (mut bytes, mut fault, mut in_comment) = (0, None, false);
        while let Some((number, line)) = self.lines.next_line()? {
            let line = match line {
                Ok(line) => line,
                Err(rejection) => {
                    begin.get_or_insert(number);
                    fault.get_or_insert(rejection);
                    continue;
                }
            };
            if line.is_empty() {
                if begin.is_some() {
                    break;
                }
                continue;
            }
            let folded = line.strip_prefix(' ');
            in_comment = line.starts_with('#') || (in_comment && folded.is_some());
            if in_comment || (begin.is_none() && line.starts_with("version:")) {
                continue;
            }
            begin.get_or_insert(number);
            bytes += line.len();
            if bytes > MAX_RECORD_BYTES {
                fault.get_or_insert(too_long_record());
                unfolded.clear();
            } else {
                match (folded, unfolded.last_mut()) {
                    (Some(rest), Some(last)) => last.push_str(rest),
                    _ => unfolded.push(line),
                }
            }
        }
        Ok(begin.map(|begin| {
            let entry = match fault {
                Some(fault) => Err(fault),
                None => unfolded.iter().map(|line| attribute(line)).collect(),
            };
            (begin, entry)
        }))
    }
}

/// The name and the value of a line: `name: text`, or `name:: base64`. Options of the name (`;lang-en`) are left out.
fn attribute(line: &str) -> Result<(String, String), Rejection> {
    let (name, value) = line
        .split_once(':')
        .ok_or_else(|| Rejection::new("", "has a line without a colon"))?;
    let name = name.split(';').next().unwrap_or(name).to_lowercase();
    let value = match value.strip_prefix(':') {
        Some(encoded) => {
            let bytes = STANDARD.decode(encoded.trim());
            let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
            text.ok_or_else(|| Rejection::new(&name, "is not UTF-8 in base64"))?
        }
        None if value.starts_with('<') => return Err(Rejection::new(&name, "is in another file")),
        None => value.trim_start().to_owned(),
    };
    Ok((name, value))
}

fn first<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    let found = entry.iter().find(|(attribute, _)| attribute == name);
    found.map(|(_, value)| value.as_str())
}

fn is_person(entry: &Entry) -> bool {
    first(entry, "uid").or_else(|| first(entry, "mail")).is_some()
}

fn all<'a>(entry: &'a Entry, name: &'a str) -> impl Iterator<Item = &'a str> {
    let found = entry.iter().filter(move |(attribute, _)| attribute == name);
    found.map(|(_, value)| value.as_str())
}

fn is_group(entry: &Entry) -> bool {
    all(entry, "objectclass").any(|class| {
        let known = [
            "groupofnames",
            "groupofuniquenames",
            "groupofmembers",
            "posixgroup",
            "group",
        ];
        known.contains(&class.to_lowercase().as_str())
    })
}

fn check_change(entry: &Entry, what: &str) -> Result<(), Rejection> {
    match first(entry, "changetype").filter(|kind| *kind != "add") {
        Some(kind) => Err(Rejection::new(
            "changetype",
            format!("{kind:?} is a change, not a {what}"),
        )),
        None => Ok(()),
    }
}

/// The text by which groups refer to an entry: its `uid`, where that names it, else its distinguished name, as it is compared.
fn reference(name: &str) -> String {
    let parts: Vec<String> = name
        .split(',')
        .map(|part| match part.split_once('=') {
            Some((attribute, value)) => format!("{}={}", attribute.trim(), value.trim()).to_lowercase(),
            None => part.trim().to_lowercase(),
        })
        .collect();
    match parts.first().and_then(|first| first.strip_prefix("uid=")) {
        Some(uid) => uid_reference(uid),
        None => format!("dn {}", parts.join(",")),
    }
}

fn uid_reference(uid: &str) -> String {
    format!("uid {}", uid.trim().to_lowercase())
}

/// The record of a group: `member` and `uniqueMember` have distinguished names, and `memberUid` has names of users.
fn group(entry: &Entry) -> Result<GroupRecord, Rejection> {
    let mut record = GroupRecord::default();
    put(&mut record.group, &["displayName"], first(entry, "cn"));
    put(&mut record.group, &["externalId"], first(entry, "entryuuid"));
    check_change(entry, "group").map_err(|rejection| rejection.of_group(record.name()))?;
    record.references = first(entry, "dn").map(reference).into_iter().collect();
    let by_name = ["member", "uniquemember"];
    let names = by_name.into_iter().flat_map(|attribute| all(entry, attribute));
    let references = names
        .map(reference)
        .chain(all(entry, "memberuid").map(uid_reference));
    record.members = references
        .map(|reference| MemberReference {
            reference,
            kind: None,
        })
        .collect();
    Ok(record)
}

fn person(entry: &Entry) -> Result<Record, Rejection> {
    let name = first(entry, "uid").or_else(|| first(entry, "mail"));
    check_change(entry, "person")?;
    let mut record = Record::default();
    let by_uid = first(entry, "uid").map(uid_reference);
    record.references.extend(by_uid);
    let by_name = first(entry, "dn").map(reference);
    record.references.extend(by_name);
    let user = &mut record.user;
    put(user, &["userName"], name);
    put(user, &["externalId"], first(entry, "entryuuid"));
    let singles: [(&[&str], &str); 9] = [
        (&["name", "formatted"], "cn"),
        (&["name", "familyName"], "sn"),
        (&["name", "givenName"], "givenname"),
        (&["displayName"], "displayname"),
        (&["title"], "title"),
        (&["preferredLanguage"], "preferredlanguage"),
        (
            &[scim::schema::ENTERPRISE_USER, "employeeNumber"],
            "employeenumber",
        ),
        (&[scim::schema::ENTERPRISE_USER, "department"], "departmentnumber"),
        (&[scim::schema::ENTERPRISE_USER, "organization"], "o"),
    ];
    for (path, attribute) in singles {
        put(user, path, first(entry, attribute));
    }
    put_value(user, "emails", None, first(entry, "mail"));
    put_value(
        user,
        "phoneNumbers",
        Some("work"),
        first(entry, "telephonenumber"),
    );
    put_value(user, "phoneNumbers", Some("mobile"), first(entry, "mobile"));
    put_value(user, "phoneNumbers", Some("home"), first(entry, "homephone"));
    record.password_hash = first(entry, "userpassword").map(SecretString::from);
    Ok(record)
}
