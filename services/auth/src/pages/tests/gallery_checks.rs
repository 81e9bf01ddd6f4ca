//! Checks of every page of the gallery.

use super::gallery::{gallery, pages};
use crate::html::brand::BrandConfig;

#[test]
fn gallery_pages_are_whole() {
    let brand = std::env::var("VESTIBULE_GALLERY_BRAND")
        .ok()
        .map_or_else(BrandConfig::default, |file| BrandConfig {
            file: Some(file.into()),
            ..Default::default()
        });
    let pages = pages(brand);
    for (name, html) in gallery(&pages, "ann") {
        if let Ok(folder) = std::env::var("VESTIBULE_GALLERY") {
            std::fs::write(format!("{folder}/{name}.html"), &html).unwrap();
        }
        assert!(html.contains("<html lang=\"en\">"), "{name}");
        assert_eq!(html.matches("<h1").count(), 1, "{name}: one main heading");
        assert_eq!(html.matches("<main").count(), 1, "{name}");
        assert!(
            !html.contains("<script") && !html.contains(" style=") && !html.contains(" onclick"),
            "{name}"
        );
        assert!(
            html.matches("autofocus").count() <= 1,
            "{name}: focus lands in one place"
        );
        for input in html
            .split("<input ")
            .skip(1)
            .filter(|input| !input.contains("type=\"hidden\""))
        {
            let id = input
                .split("id=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .unwrap();
            assert!(
                html.contains(&format!("<label for=\"{id}\"")),
                "{name}: {id} has no label"
            );
        }
        for list in html.split("aria-describedby=\"").skip(1) {
            for id in list.split('"').next().unwrap().split(' ') {
                assert!(
                    html.contains(&format!("id=\"{id}\"")),
                    "{name}: {id} is described by nothing"
                );
            }
        }
    }
}

/// Texts that would be markup, if anything let them.
pub(super) const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' autofocus onfocus='alert(1)",
    "</title></style><svg/onload=alert(1)>",
    "{{ csrf }}{% raw %}",
    "&lt;b&gt;&#34;",
    "\u{202e}txt.exe\u{0}\r\nSet-Cookie: a=b",
    "javascript:alert(1)//`${1}`",
];

#[test]
fn hostile_texts_stay_texts() {
    // SB-17: what the policy would stop does not get as far.
    let marks = |html: &str| ['<', '>', '"'].map(|mark| html.matches(mark).count());
    let plain = pages(BrandConfig::default());
    let expected: Vec<_> = gallery(&plain, "ann");
    for text in HOSTILE {
        for ((name, html), (_, benign)) in gallery(&plain, text).iter().zip(&expected) {
            assert_eq!(marks(html), marks(benign), "{name}: {text}");
        }
        let branded = |text: &str| {
            let some = Some(text.to_owned());
            pages(BrandConfig {
                name: some.clone(),
                tagline: some.clone(),
                sign_in_heading: some.clone(),
                sign_in_text: some.clone(),
                register_heading: some.clone(),
                register_text: some,
                ..Default::default()
            })
        };
        if text.chars().any(char::is_control) {
            continue;
        }
        let (hostile, benign) = (branded(text), branded("ann"));
        for ((name, html), (_, benign)) in gallery(&hostile, "ann").iter().zip(gallery(&benign, "ann")) {
            assert_eq!(marks(html), marks(&benign), "{name} with a brand of {text}");
        }
    }
}
