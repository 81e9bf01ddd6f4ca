//! Tests of the brand and its reload.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use chassis::clock::{ManualClock, SharedClock, Timestamp};

use super::*;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_secs(1_700_000_000)))
}

#[test]
fn a_changed_brand_file_shows_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("brand.toml");
    fs::write(&file, "name = \"Acme\"").unwrap();
    let base = BrandConfig {
        file: Some(file.clone()),
        tagline: Some("From the base.".into()),
        ..Default::default()
    };
    let turned = clock();
    let source = BrandSource::new(base, Arc::clone(&turned) as SharedClock).unwrap();
    assert_eq!(source.current().name, "Acme");
    assert_eq!(source.current().tagline, "From the base.");

    fs::write(&file, "name = \"Acme & Sons\"\ncolor = \"#ffcc00\"").unwrap();
    assert_eq!(
        source.current().name,
        "Acme",
        "looked at once a second, not at every page"
    );
    turned.advance(Duration::from_secs(1));
    assert_eq!(source.current().name, "Acme & Sons");

    fs::write(&file, "nam = \"typo\"").unwrap();
    turned.advance(Duration::from_secs(1));
    assert_eq!(source.current().name, "Acme & Sons", "the last good brand stays");

    fs::write(&file, "name = \"Acme again\"").unwrap();
    turned.advance(Duration::from_secs(1));
    assert_eq!(source.current().name, "Acme again");
}

#[test]
fn a_changed_logo_gets_a_new_address() {
    let folder = tempfile::tempdir().unwrap();
    let logo = folder.path().join("logo.svg");
    fs::write(&logo, "<svg/>").unwrap();
    fs::write(folder.path().join("brand.toml"), "logo = \"logo.svg\"").unwrap();
    let base = BrandConfig {
        file: Some(folder.path().join("brand.toml")),
        ..Default::default()
    };
    let turned = clock();
    let source = BrandSource::new(base, Arc::clone(&turned) as SharedClock).unwrap();
    let before = source.current().logo_url().unwrap();
    fs::write(&logo, "<svg></svg>").unwrap();
    turned.advance(Duration::from_secs(1));
    assert_ne!(source.current().logo_url().unwrap(), before);
}

#[test]
fn values_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let big = folder.path().join("big.png");
    fs::write(&big, vec![0; 256 * 1024 + 1]).unwrap();
    let long = format!("sign_in_text = '{}'", "x".repeat(301));
    let big = format!("logo = '{}'", big.display());
    for (text, key) in [
        ("color = 'red;}body{'", "brand.color"),
        ("name = ''", "brand.name"),
        ("name = \"a\\nb\"", "brand.name"),
        (&long, "brand.sign_in_text"),
        ("logo = 'logo.html'", "brand.logo"),
        (&big, "brand.logo"),
        ("support_url = 'javascript:alert(1)'", "brand.support_url"),
        ("terms_url = 'mailto:a@example.com'", "brand.terms_url"),
    ] {
        let config: BrandConfig = toml::from_str(text).unwrap();
        let error = Brand::new(&config).unwrap_err().to_string();
        assert!(error.starts_with(key), "{error}");
    }
    let missing = BrandConfig {
        file: Some(folder.path().join("none.toml")),
        ..Default::default()
    };
    assert!(
        BrandSource::new(missing, clock())
            .err()
            .unwrap()
            .to_string()
            .contains("none.toml")
    );
}

#[test]
fn the_examples_of_the_guide_are_good() {
    let guide = include_str!("../../../../../docs/guides/branding.md");
    let examples: Vec<&str> = guide
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    let [service, file] = examples.as_slice() else {
        panic!("two examples")
    };
    let service: toml::Table = toml::from_str(service).unwrap();
    let service: BrandConfig = service["brand"].clone().try_into().unwrap();
    assert!(service.file.is_some());
    let file: BrandConfig = toml::from_str(file).unwrap();
    let brand = Brand::new(&BrandConfig { logo: None, ..file }).unwrap();
    assert_eq!(brand.links().len(), 3);
    assert_eq!(brand.name, "Acme");
}
