//! [`Columns`]: the attributes that the columns of a CSV file become.

mod target;

use super::{Record, Rejection};
use target::Target;
pub(super) use target::{set, set_item};

/// One assignment of `--map`: a column, and the path of an attribute. An empty path leaves the column out.
pub(crate) type Mapping = (String, String);

/// The columns of a file.
#[derive(Debug)]
pub(super) struct Columns {
    names: Vec<String>,
    targets: Vec<Vec<Target>>,
}

/// Usual names of columns, in lower case and without spaces and punctuation, and the attributes that they have.
const USUAL_NAMES: &[(&str, &str)] = &[
    ("username", "userName"),
    ("login", "userName"),
    ("user", "userName"),
    ("email", "emails"),
    ("emailaddress", "emails"),
    ("mail", "emails"),
    ("emails", "emails"),
    ("givenname", "name.givenName"),
    ("firstname", "name.givenName"),
    ("familyname", "name.familyName"),
    ("lastname", "name.familyName"),
    ("surname", "name.familyName"),
    ("middlename", "name.middleName"),
    ("name", "name.formatted"),
    ("fullname", "name.formatted"),
    ("phone", "phoneNumbers"),
    ("phonenumber", "phoneNumbers"),
    ("mobile", "phoneNumbers.mobile"),
    ("mobilephone", "phoneNumbers.mobile"),
    ("nickname", "nickName"),
    ("displayname", "displayName"),
    ("externalid", "externalId"),
    ("active", "active"),
    ("enabled", "active"),
    ("locale", "locale"),
    ("language", "preferredLanguage"),
    ("preferredlanguage", "preferredLanguage"),
    ("timezone", "timezone"),
    ("zoneinfo", "timezone"),
    ("title", "title"),
    ("usertype", "userType"),
    ("department", "department"),
    ("division", "division"),
    ("organization", "organization"),
    ("costcenter", "costCenter"),
    ("employeenumber", "employeeNumber"),
    ("groups", "groups"),
    ("group", "groups"),
    ("memberof", "groups"),
    ("passwordhash", "password_hash"),
    ("hash", "password_hash"),
];

impl Columns {
    /// The columns of a header. `presets` are the names of the format, which come before the usual ones; `mappings` come before
    /// both, and replace everything else of their column.
    ///
    /// # Errors
    /// A column that stands in the header twice, a mapping of a column that is not there, or of an attribute that nobody has.
    pub(super) fn new(
        names: Vec<String>,
        presets: &[(&str, &str)],
        mappings: &[Mapping],
    ) -> Result<Self, String> {
        let mut targets = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            if names.iter().take(index).any(|other| other == name) {
                return Err(format!("the header has the column {name:?} twice"));
            }
            targets.push(column_targets(name, presets, mappings)?);
        }
        if let Some((column, _)) = mappings.iter().find(|(column, _)| !names.contains(column)) {
            return Err(format!("--map: the header has no column {column:?}"));
        }
        Ok(Self { names, targets })
    }

    /// The columns that become nothing.
    pub(super) fn unused(&self) -> impl Iterator<Item = &str> {
        let columns = self.names.iter().zip(&self.targets);
        columns
            .filter(|(_, targets)| targets.is_empty())
            .map(|(name, _)| name.as_str())
    }

    /// True if a column becomes `userName`.
    pub(super) fn have_user_name(&self) -> bool {
        let is_name = |target: &Target| matches!(target, Target::Single(path, _) if path == &["userName"]);
        self.targets.iter().flatten().any(is_name)
    }

    /// The record of a row. An empty field means that the user has no such attribute.
    pub(super) fn record(&self, fields: Vec<String>) -> Result<Record, Rejection> {
        if fields.len() != self.names.len() {
            return Err(Rejection::new(
                "",
                format!("has {} fields, and the header {}", fields.len(), self.names.len()),
            ));
        }
        let mut record = Record::default();
        let mut fault = None;
        for (field, targets) in fields.into_iter().zip(&self.targets) {
            for target in targets {
                if let Err(rejection) = target.assign(field.trim(), &mut record) {
                    fault.get_or_insert(rejection);
                }
            }
        }
        match fault {
            Some(fault) => Err(fault.of(record.user_name())),
            None => Ok(record),
        }
    }
}

fn column_targets(name: &str, presets: &[(&str, &str)], mappings: &[Mapping]) -> Result<Vec<Target>, String> {
    let mapped: Vec<&str> = mappings
        .iter()
        .filter(|(column, _)| column == name)
        .map(|(_, path)| path.as_str())
        .collect();
    if !mapped.is_empty() {
        return mapped
            .into_iter()
            .filter(|path| !path.is_empty())
            .map(|path| Target::parse(path).ok_or_else(|| format!("--map: there is no attribute {path:?}")))
            .collect();
    }
    let preset: Vec<Target> = presets
        .iter()
        .filter(|(column, _)| *column == name)
        .filter_map(|(_, path)| Target::parse(path))
        .collect();
    if !preset.is_empty() || presets.iter().any(|(column, _)| *column == name) {
        return Ok(preset);
    }
    let simple: String = name
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    let usual = USUAL_NAMES.iter().find(|(usual, _)| *usual == simple);
    let path = usual.map_or(name.trim(), |(_, path)| *path);
    Ok(Target::parse(path).into_iter().collect())
}
