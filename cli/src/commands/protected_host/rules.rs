//! The rules of a protected host on the command line.

use std::str::FromStr;

use forward_auth::{AccessRules, Methods, PathPattern, PublicPath, RestrictedPath};

/// The rules of a protected host
#[derive(Debug, clap::Args)]
pub(super) struct RuleArgs {
    /// Group whose members may use the host; may be given several times
    #[arg(long = "group", value_name = "GROUP", required_unless_present = "everybody")]
    groups: Vec<String>,
    /// Let everybody who can sign in use the host
    #[arg(long, conflicts_with = "groups")]
    everybody: bool,
    /// Path that needs no sign-in: '[METHOD[,METHOD] ]PATH'; a path that ends with /* means all below it; may be given
    /// several times [default methods: GET, HEAD]
    #[arg(long, value_name = "PATH")]
    public: Vec<PublicArgument>,
    /// Path for members of further groups: '[METHOD[,METHOD] ]PATH=GROUP[,GROUP]'; may be given several times [default
    /// methods: all]
    #[arg(long, value_name = "PATH=GROUPS")]
    restrict: Vec<RestrictedArgument>,
}

impl RuleArgs {
    pub(super) fn rules(&self) -> AccessRules {
        AccessRules {
            groups: self.groups.clone(),
            everybody: self.everybody,
            public: self.public.iter().map(|argument| argument.0.clone()).collect(),
            restricted: self.restrict.iter().map(|argument| argument.0.clone()).collect(),
        }
    }
}

#[derive(Clone, Debug)]
struct PublicArgument(PublicPath);

impl FromStr for PublicArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (methods, path) = methods_and_path(text)?;
        Ok(Self(PublicPath { path, methods }))
    }
}

#[derive(Clone, Debug)]
struct RestrictedArgument(RestrictedPath);

impl FromStr for RestrictedArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, groups) = text
            .rsplit_once('=')
            .ok_or("expected a path, an equals sign and groups: /admin/*=admins")?;
        let (methods, path) = methods_and_path(path)?;
        let groups = groups.split(',').map(|group| group.trim().to_owned()).collect();
        Ok(Self(RestrictedPath {
            path,
            methods,
            groups,
        }))
    }
}

/// Reads `METHOD,METHOD PATH` or `PATH`. A path may have spaces.
fn methods_and_path(text: &str) -> Result<(Methods, PathPattern), String> {
    let (methods, path) = match text.split_once(' ') {
        Some((methods, path)) if !text.starts_with('/') => (methods, path.trim_start()),
        _ => ("", text),
    };
    let names = methods.split(',').filter(|name| !name.is_empty());
    let methods = Methods::new(names.map(str::to_owned)).map_err(|error| error.to_string())?;
    let path = path
        .parse()
        .map_err(|error: forward_auth::PatternError| error.to_string())?;
    Ok((methods, path))
}
