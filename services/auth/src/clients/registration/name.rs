//! Names that applications give themselves, which people see (SB-49).

use contract::UserName;

/// A name that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NameError {
    /// A word has characters or a mixture of scripts that no new user name may have either.
    #[error("client_name: expected words of letters and digits in everyday use, each of one script")]
    Misleading,
    /// It looks like the name of this site.
    #[error("client_name: it looks like the name of this site")]
    OfSite,
}

/// Checks the name of an application that registers itself: its words follow the rules for new user names, without regard to the
/// punctuation of ASCII, and it does not look like the name of the site.
pub(super) fn check_name(name: &str, site: &str) -> Result<(), NameError> {
    for word in words(name) {
        let word: UserName = word.parse().map_err(|_| NameError::Misleading)?;
        word.check_new().map_err(|_| NameError::Misleading)?;
    }
    let skeleton = |name: &str| -> Option<String> {
        let joined: UserName = words(name).collect::<String>().parse().ok()?;
        Some(joined.skeleton())
    };
    match (skeleton(name), skeleton(site)) {
        (Some(name), Some(site)) if name == site => Err(NameError::OfSite),
        _ => Ok(()),
    }
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    let parts = name.split(|c: char| c == ' ' || c.is_ascii_punctuation());
    parts.filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_misleads_is_refused() {
        // SB-49
        for (name, expected) in [
            ("Shop", Ok(())),
            ("Tom & Jerry\u{27}s shop (beta), v2.0", Ok(())),
            ("Müller und Söhne", Ok(())),
            ("Магазин", Ok(())),
            ("東京ショップ", Ok(())),
            ("\u{202e}pohS", Err(NameError::Misleading)),
            ("Sh\u{200b}op", Err(NameError::Misleading)),
            ("Sh\u{43e}p", Err(NameError::Misleading)),
            ("Example Bank", Err(NameError::OfSite)),
            ("Examp1e-BANK", Err(NameError::OfSite)),
            ("Example Bank shop", Ok(())),
        ] {
            assert_eq!(check_name(name, "Example Bank"), expected, "{name:?}");
        }
    }
}
