//! Loading a configuration: reads the TOML file, overlays the environment variables, and locates errors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::ConfigError;
use super::error::{Origin, ReadError};
use super::value::ConfigValue;

/// Reads the configuration of `service` (`auth`, `users`) from a TOML file, if one is given, and from the variables
/// `VESTIBULE_SERVICE__TABLE__KEY` of `env`, which take precedence.
///
/// # Errors
/// The first error: the file or variable, the key, what is expected. Never a value.
pub fn load<T: DeserializeOwned>(
    service: &'static str,
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
) -> Result<T, ConfigError> {
    let prefix = format!("VESTIBULE_{}__", service.to_ascii_uppercase());
    let to_config_error = |error: ReadError| to_config_error(error, file, &prefix);
    let mut root = match file {
        Some(path) => read_file(path)?,
        None => ConfigValue::Table(BTreeMap::new()),
    };
    let mut variables: Vec<(String, String)> = env
        .filter(|(name, _)| name.starts_with(prefix.as_str()))
        .collect();
    // Shorter names first: a table written into one variable may be refined by another.
    variables.sort();
    let folder = folder_of(file);
    let mut set_by = BTreeMap::new();
    for (name, text) in variables {
        overlay_variable(&mut root, &prefix, &folder, name, text, &mut set_by)?;
    }
    T::deserialize(root).map_err(to_config_error)
}

fn folder_of(file: Option<&Path>) -> PathBuf {
    file.and_then(Path::parent)
        .map(Path::to_owned)
        .unwrap_or_default()
}

fn read_file(path: &Path) -> Result<ConfigValue, ConfigError> {
    let location = &path.display();
    let bytes = std::fs::read(path)
        .map_err(|error| ConfigError::at(location, "", format!("cannot read this file: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to() + 1;
        ConfigError::at(location, "", format!("not UTF-8: byte {at} is wrong"))
    })?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        // Only the message: the error's own text quotes the line, which may hold a secret.
        let problem = format!("line {line}, column {column}: {}", error.message());
        ConfigError::at(location, "", problem)
    })?;
    ConfigValue::from_toml(toml::Value::Table(table), &folder_of(Some(path)))
        .map_err(|error| to_config_error(error, Some(path), ""))
}

/// Inserts the value of one environment variable into the tree.
fn overlay_variable(
    root: &mut ConfigValue,
    prefix: &str,
    folder: &Path,
    name: String,
    text: String,
    set_by: &mut BTreeMap<Vec<String>, String>,
) -> Result<(), ConfigError> {
    let rest = name.strip_prefix(prefix).unwrap_or_default().to_ascii_lowercase();
    let mut path: Vec<String> = rest.split("__").map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err(ConfigError::at(
            name,
            "",
            "a part of this variable's name is empty",
        ));
    }
    let origin = Origin::Variable(name.clone());
    let last = path.last().cloned().unwrap_or_default();
    let value = match last.strip_suffix("_file") {
        Some(plain) if !plain.is_empty() => {
            if let Some(last) = path.last_mut() {
                plain.clone_into(last);
            }
            ConfigValue::FromFile(folder.join(text), origin)
        }
        _ => ConfigValue::Text(text, origin),
    };
    if let Some(other) = set_by.insert(path.clone(), name.clone()) {
        let problem = format!("{other} and {name} are both set");
        return Err(ConfigError::at(name, path.join("."), problem));
    }
    insert_at(root, &path, value).map_err(|()| {
        let problem = "a part of this variable's name is a value, not a table";
        ConfigError::at(name, path.join("."), problem)
    })
}

fn insert_at(mut table: &mut ConfigValue, path: &[String], value: ConfigValue) -> Result<(), ()> {
    let Some((last, tables)) = path.split_last() else {
        return Err(());
    };
    for key in tables {
        let ConfigValue::Table(entries) = table else {
            return Err(());
        };
        table = entries
            .entry(key.clone())
            .or_insert_with(|| ConfigValue::Table(BTreeMap::new()));
    }
    let ConfigValue::Table(entries) = table else {
        return Err(());
    };
    entries.insert(last.clone(), value);
    Ok(())
}

fn to_config_error(mut error: ReadError, file: Option<&Path>, prefix: &str) -> ConfigError {
    error.path.reverse();
    let key = error.path.join(".");
    let mut problem = error.problem;
    if error.missing {
        let variable = error.path.join("__").to_ascii_uppercase();
        problem = format!("{problem} (it can also be set with {prefix}{variable})");
    }
    match (error.origin.unwrap_or(Origin::File), file) {
        (Origin::Variable(name), _) => ConfigError::at(name, key, problem),
        (Origin::Secret(path), _) => ConfigError::at(path.display(), key, problem),
        (Origin::File, Some(path)) => ConfigError::at(path.display(), key, problem),
        (Origin::File, None) => ConfigError::at("environment", key, problem),
    }
}
