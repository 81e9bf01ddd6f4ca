//! Tests of the build context: the files that `.dockerignore` includes are a workspace that cargo can read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::files::{read, root};

/// The patterns of a `.dockerignore`, in order; the last that fits decides.
struct IgnoreRules(Vec<Pattern>);

struct Pattern {
    segments: Vec<String>,
    /// With `!` before it: what fits is let through.
    lets_through: bool,
}

impl IgnoreRules {
    fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim);
        let patterns = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(
            patterns
                .map(|line| {
                    let pattern = line.strip_prefix('!').unwrap_or(line).trim_matches('/');
                    Pattern {
                        segments: pattern.split('/').map(str::to_owned).collect(),
                        lets_through: line.starts_with('!'),
                    }
                })
                .collect(),
        )
    }

    /// True if the file `path` goes into the build.
    fn includes(&self, path: &str) -> bool {
        let path: Vec<&str> = path.split('/').collect();
        let last = self.0.iter().rev().find(|pattern| pattern.fits(&path));
        last.is_none_or(|pattern| pattern.lets_through)
    }
}

impl Pattern {
    /// True if it names `path`, or a folder that `path` is in.
    fn fits(&self, path: &[&str]) -> bool {
        (1..=path.len()).any(|length| fits(&self.segments, &path[..length]))
    }
}

fn fits(pattern: &[String], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "**" => {
            fits(rest, path) || path.split_first().is_some_and(|(_, below)| fits(pattern, below))
        }
        (Some((first, rest)), Some((name, below))) => matches_segment(first, name) && fits(rest, below),
        _ => false,
    }
}

/// One segment, in which a `*` stands for anything.
fn matches_segment(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == name;
    };
    name.strip_prefix(before).is_some_and(|rest| {
        (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches_segment(after, &rest[at..]))
    })
}

/// The manifests and sources of the repository, named from its root.
fn sources() -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = folder.join(&name);
            if entry.file_type().unwrap().is_dir() {
                if !name.starts_with('.') && name != "target" && name != "node_modules" {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") || ["Cargo.toml", "Cargo.lock"].contains(&name.as_str()) {
                found.push(path.into_os_string().into_string().unwrap());
            }
        }
    }
    found
}

/// The members of the workspace in `folder` by name, as cargo reads them, or what cargo says against it.
fn members(folder: &Path) -> Result<BTreeSet<String>, String> {
    let cargo = Command::new("cargo")
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(folder)
        .output()
        .unwrap();
    if !cargo.status.success() {
        return Err(String::from_utf8_lossy(&cargo.stderr).into_owned());
    }
    let metadata: Value = serde_json::from_slice(&cargo.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    Ok(packages
        .iter()
        .map(|package| package["name"].as_str().unwrap().to_owned())
        .collect())
}

/// A folder with the files that `ignored` includes. Source files are empty there.
fn context(ignored: &IgnoreRules) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for path in sources().iter().filter(|path| ignored.includes(path)) {
        let to = folder.path().join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        match path.ends_with(".rs") {
            true => fs::write(to, "").unwrap(),
            false => fs::copy(root().join(path), to).map(drop).unwrap(),
        }
    }
    folder
}

#[test]
fn every_member_of_the_workspace_goes_into_the_build_of_the_images() {
    let rules = read(".dockerignore");
    let all = members(root()).unwrap();
    let built = members(context(&IgnoreRules::parse(&rules)).path());
    assert_eq!(built.as_ref(), Ok(&all), "let it through in .dockerignore");
    // A member that is forgotten is noticed.
    let forgotten: String = rules
        .lines()
        .filter(|line| !line.contains("fuzz"))
        .map(|line| format!("{line}\n"))
        .collect();
    let refused = members(context(&IgnoreRules::parse(&forgotten)).path()).unwrap_err();
    assert!(refused.contains("fuzz"), "{refused}");
}

#[test]
fn the_last_pattern_that_fits_decides() {
    let ignored = IgnoreRules::parse("# all but\n*\n!libs\n**/tests\n!tests/Cargo.toml\n!x*.toml\n");
    for (path, there) in [
        ("README.md", false),
        ("libs/a/src/lib.rs", true),
        ("libs/a/tests/b.rs", false),
        ("tests/Cargo.toml", true),
        ("tests/deploy/main.rs", false),
        ("xyz.toml", true),
        ("a/xyz.toml", false),
    ] {
        assert_eq!(ignored.includes(path), there, "{path}");
    }
}
