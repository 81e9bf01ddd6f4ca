//! The brand of an installation: name, logo, colour and texts, from the configuration and from a file that
//! may change while the service runs.

mod colour;
mod source;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

pub(crate) use colour::Palette;
pub(crate) use source::BrandSource;

use super::assets::{Asset, AssetKind};

const DEFAULT_NAME: &str = "Vestibule";
/// The longest text that a brand may set, in characters.
const TEXT_LIMIT: usize = 300;
/// The largest logo, in bytes.
const LOGO_LIMIT: u64 = 256 * 1024;

/// `[brand]` of the configuration, and with the same keys (except `file`) the brand file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BrandConfig {
    /// A TOML file with the keys below; they win over the configuration. It is read again when it changes.
    pub file: Option<PathBuf>,
    /// The name of the installation. Default: `Vestibule`.
    pub name: Option<String>,
    /// A line about it, shown beside the forms on wide screens.
    pub tagline: Option<String>,
    /// The brand colour, such as `#0b5d52`. Every shade is made from it and kept readable.
    pub color: Option<String>,
    /// An SVG, PNG, JPEG or WebP file of at most 256 KiB, shown instead of the arch.
    pub logo: Option<PathBuf>,
    /// The address at which people get help: `https:`, `http:` or `mailto:`.
    pub support_url: Option<Url>,
    /// The privacy statement.
    pub privacy_url: Option<Url>,
    /// The terms of use.
    pub terms_url: Option<Url>,
    /// The heading of the sign-in page.
    pub sign_in_heading: Option<String>,
    /// The line under it.
    pub sign_in_text: Option<String>,
    /// The heading of the registration page.
    pub register_heading: Option<String>,
    /// The line under it.
    pub register_text: Option<String>,
}

impl BrandConfig {
    /// The name of the installation as far as the configuration tells; the brand file may set another.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(DEFAULT_NAME)
    }
}

/// The reason why a brand cannot be used; the message names the key and what is expected.
#[derive(Debug, thiserror::Error)]
pub enum BrandError {
    /// A value cannot be used.
    #[error("brand.{key}: {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// A description of the values that are right.
        expected: String,
    },
    /// A file cannot be read.
    #[error("brand: cannot read {path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: std::io::Error,
    },
    /// The brand file is not TOML, or has a wrong key or value.
    #[error("brand file {path}: {reason}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, key and what is expected.
        reason: String,
    },
}

/// A brand, ready to be shown.
#[derive(Clone, Debug)]
pub(crate) struct Brand {
    pub(crate) name: String,
    pub(crate) tagline: String,
    pub(crate) palette: Palette,
    pub(crate) css: String,
    pub(crate) logo: Option<Asset>,
    pub(crate) sign_in_heading: String,
    pub(crate) sign_in_text: String,
    pub(crate) register_heading: String,
    pub(crate) register_text: String,
    support_url: Option<Url>,
    privacy_url: Option<Url>,
    terms_url: Option<Url>,
}

impl Brand {
    /// Checks `config` and reads the logo.
    ///
    /// # Errors
    /// A value that cannot be used, named by its key.
    pub(crate) fn new(config: &BrandConfig) -> Result<Self, BrandError> {
        let name = text("name", config.name.as_deref(), DEFAULT_NAME)?;
        let palette = Palette::of(config.color.as_deref().unwrap_or("#0b5d52").parse().map_err(
            |error: colour::NotAColour| BrandError::Value {
                key: "color",
                expected: error.to_string(),
            },
        )?);
        Ok(Self {
            tagline: text(
                "tagline",
                config.tagline.as_deref(),
                "One door to everything you use.",
            )?,
            css: palette.css(),
            palette,
            logo: config.logo.as_deref().map(logo).transpose()?,
            sign_in_heading: text("sign_in_heading", config.sign_in_heading.as_deref(), "Sign in")?,
            sign_in_text: text(
                "sign_in_text",
                config.sign_in_text.as_deref(),
                &format!("Welcome back. Use your {name} account."),
            )?,
            register_heading: text(
                "register_heading",
                config.register_heading.as_deref(),
                "Create your account",
            )?,
            register_text: text(
                "register_text",
                config.register_text.as_deref(),
                "It takes a minute.",
            )?,
            support_url: link("support_url", config.support_url.as_ref(), true)?,
            privacy_url: link("privacy_url", config.privacy_url.as_ref(), false)?,
            terms_url: link("terms_url", config.terms_url.as_ref(), false)?,
            name,
        })
    }

    /// The links at the foot of every page.
    pub(crate) fn links(&self) -> Vec<(&'static str, &str)> {
        [
            ("Help", &self.support_url),
            ("Privacy", &self.privacy_url),
            ("Terms", &self.terms_url),
        ]
        .into_iter()
        .filter_map(|(label, url)| Some((label, url.as_ref()?.as_str())))
        .collect()
    }

    /// The URL of the logo.
    pub(crate) fn logo_url(&self) -> Option<String> {
        self.logo.as_ref().map(Asset::url)
    }
}

fn text(key: &'static str, value: Option<&str>, default: &str) -> Result<String, BrandError> {
    let value = value.unwrap_or(default).trim();
    if value.is_empty() || value.chars().count() > TEXT_LIMIT || value.chars().any(char::is_control) {
        let expected = format!("expected 1 to {TEXT_LIMIT} characters on one line");
        return Err(BrandError::Value { key, expected });
    }
    Ok(value.to_owned())
}

fn link(key: &'static str, value: Option<&Url>, mail: bool) -> Result<Option<Url>, BrandError> {
    let fits = |url: &Url| matches!(url.scheme(), "https" | "http") || (mail && url.scheme() == "mailto");
    match value {
        Some(url) if !fits(url) => {
            let expected = match mail {
                true => "expected an https:, http: or mailto: address",
                false => "expected an https: or http: address",
            };
            Err(BrandError::Value {
                key,
                expected: expected.to_owned(),
            })
        }
        other => Ok(other.cloned()),
    }
}

fn logo(path: &Path) -> Result<Asset, BrandError> {
    let expected = |expected: &str| BrandError::Value {
        key: "logo",
        expected: expected.to_owned(),
    };
    let kind = path
        .extension()
        .and_then(|extension| AssetKind::image(&extension.to_string_lossy().to_lowercase()))
        .ok_or_else(|| expected("expected a file that ends in .svg, .png, .jpg or .webp"))?;
    let read = |error| BrandError::Read {
        path: path.to_owned(),
        error,
    };
    if std::fs::metadata(path).map_err(read)?.len() > LOGO_LIMIT {
        return Err(expected("expected a file of at most 256 KiB"));
    }
    let bytes = std::fs::read(path).map_err(read)?;
    Ok(Asset::new("logo", kind, bytes.into()))
}
