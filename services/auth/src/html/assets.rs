//! Static assets: the style sheet, the icon and the logo of the brand. Their addresses have a hash of the
//! content, so that browsers may cache them forever.

use std::fmt::Write as _;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use chassis::http::header::list;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// The type of an asset, by the extension of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AssetKind {
    Css,
    Svg,
    Png,
    Jpeg,
    Webp,
}

impl AssetKind {
    /// The type of an image by its extension in lower case.
    pub(crate) fn image(ending: &str) -> Option<Self> {
        match ending {
            "svg" => Some(Self::Svg),
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "webp" => Some(Self::Webp),
            _ => None,
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Css => "css",
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Css => "text/css; charset=utf-8",
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }
}

/// A static file.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    stem: &'static str,
    kind: AssetKind,
    hash: String,
    bytes: Bytes,
}

impl Asset {
    /// An asset called `stem`.
    pub(crate) fn new(stem: &'static str, kind: AssetKind, bytes: Bytes) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        let hash = digest
            .as_ref()
            .iter()
            .take(8)
            .fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
        Self {
            stem,
            kind,
            hash,
            bytes,
        }
    }

    /// The path to link to.
    pub(crate) fn url(&self) -> String {
        format!("/assets/{}", self.file_name())
    }

    fn file_name(&self) -> String {
        format!("{}-{}.{}", self.stem, self.hash, self.kind.ending())
    }

    /// True if `name` is this asset, in any version.
    fn matches_name(&self, name: &str) -> bool {
        name.strip_prefix(self.stem)
            .is_some_and(|rest| rest.starts_with('-'))
            && name
                .strip_suffix(self.kind.ending())
                .is_some_and(|rest| rest.ends_with('.'))
    }

    /// The response with the asset, or 304 when the browser has it (RFC 9110 §13.1.2).
    pub(crate) fn respond(&self, name: &str, headers: &HeaderMap) -> Response {
        let tag = format!("\"{}\"", self.hash);
        // While two versions run side by side, a page may request the style sheet of the other version. It
        // gets this one, which must not be cached.
        let caching = if name == self.file_name() {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let known = list(headers, &header::IF_NONE_MATCH).is_some_and(|tags| {
            tags.split(',')
                .any(|value| value.trim().trim_start_matches("W/") == tag)
        });
        let mut response = Response::new(if known {
            Body::empty()
        } else {
            Body::from(self.bytes.clone())
        });
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.kind.content_type()),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        // A logo that is opened directly is a document of this origin, so nothing in it may run.
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        );
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}

/// The assets that are compiled in.
pub(crate) struct Assets {
    pub(crate) style: Asset,
    pub(crate) mark: Asset,
}

impl Assets {
    pub(crate) fn new() -> Self {
        let style = include_bytes!("../../assets/vestibule.css");
        let mark = include_bytes!("../../assets/mark.svg");
        Self {
            style: Asset::new("vestibule", AssetKind::Css, Bytes::from_static(style)),
            mark: Asset::new("mark", AssetKind::Svg, Bytes::from_static(mark)),
        }
    }

    /// The asset of `name`.
    pub(crate) fn find<'a>(&'a self, name: &str, logo: Option<&'a Asset>) -> Option<&'a Asset> {
        [Some(&self.style), Some(&self.mark), logo]
            .into_iter()
            .flatten()
            .find(|asset| asset.matches_name(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_are_kept_for_good_and_revalidate_by_their_tag() {
        let assets = Assets::new();
        let name = assets.style.file_name();
        let found = assets.find(&name, None).unwrap();
        let fresh = found.respond(&name, &HeaderMap::new());
        assert_eq!(
            fresh.headers()[header::CACHE_CONTROL],
            "public, max-age=31536000, immutable"
        );
        assert_eq!(fresh.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");

        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, fresh.headers()[header::ETAG].clone());
        assert_eq!(found.respond(&name, &headers).status(), StatusCode::NOT_MODIFIED);

        let other = assets.find("vestibule-0000000000000000.css", None).unwrap();
        let stale = other.respond("vestibule-0000000000000000.css", &HeaderMap::new());
        assert_eq!(stale.headers()[header::CACHE_CONTROL], "no-cache");
        for unknown in [
            "",
            "vestibule.css",
            "vestibule-1.svg",
            "../Cargo.toml",
            "logo-1.svg",
        ] {
            assert!(assets.find(unknown, None).is_none(), "{unknown}");
        }
    }
}
