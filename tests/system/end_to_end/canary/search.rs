//! The search for canary secrets: the planted secrets in all encodings, and the recorded output.

use std::fmt::Write as _;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use reqwest::RequestBuilder;
use serde_json::json;

/// A secret that names its place and has characters that every encoding changes.
pub(super) fn canary(place: &str) -> String {
    format!("canary-{place}-\"ä&=+/%\\-end")
}

/// A secret for a header, which has fewer characters.
pub(super) fn plain(place: &str) -> String {
    format!("canary.{place}.in-clear")
}

/// The forms that a secret may have in an output: as it is, percent-encoded, escaped in JSON once and twice,
/// and in Base64 wherever it begins.
fn encodings(secret: &str) -> Vec<String> {
    let json = |text: &str| serde_json::to_string(text).unwrap().trim_matches('"').to_owned();
    let percent: String = secret.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").unwrap();
        }
        text
    });
    let mut found = vec![
        secret.to_owned(),
        json(secret),
        json(&json(secret)),
        format!("{secret:?}").trim_matches('"').to_owned(),
        percent.to_ascii_lowercase(),
        percent,
    ];
    for before in 0..3 {
        let bytes = [&b"xxx"[..before], secret.as_bytes()].concat();
        // The first and the last characters depend on what stands around it.
        let (skip, end) = ([0, 2, 3][before], bytes.len() / 3 * 4);
        for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            found.push(encoded[skip..end].to_owned());
        }
    }
    found
}

/// The planted secrets and the recorded output.
#[derive(Default)]
pub(super) struct Search {
    pub(super) planted: Vec<String>,
    pub(super) outputs: Vec<(String, String)>,
}

impl Search {
    pub(super) fn plant(&mut self, secret: String) -> String {
        self.planted.push(secret.clone());
        secret
    }

    /// Sends a request and keeps its whole answer.
    pub(super) async fn send(&mut self, request: RequestBuilder) {
        let answer = request.send().await.unwrap();
        // Where a request is sent on to, it is its own sender who reads what was sent.
        let mut headers = answer.headers().clone();
        headers.remove("location");
        let mut text = format!("{} {headers:?}\n", answer.status());
        let url = answer.url().path().to_owned();
        text += &answer.text().await.unwrap();
        self.outputs.push((format!("the answer of {url}"), text));
    }

    /// Runs a program that must fail, and records its output.
    pub(super) fn run(&mut self, command: &mut Command) {
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(!output.status.success(), "{command:?}");
        self.outputs.push((
            format!("the output of {:?}", command.get_program()),
            String::from_utf8_lossy(&said).into_owned(),
        ));
    }

    pub(super) fn assert_no_secret_found(&self) {
        for (name, text) in &self.outputs {
            for secret in &self.planted {
                for disguise in encodings(secret) {
                    let line = text.lines().find(|line| line.contains(&disguise));
                    assert_eq!(line, None, "{name} shows {secret} as {disguise}");
                }
            }
        }
    }
}

#[test]
fn a_secret_is_found_in_every_disguise() {
    let secret = canary("x");
    for text in [
        format!("a {secret}"),
        serde_json::to_string(&json!({ "a": secret })).unwrap(),
        STANDARD_NO_PAD.encode(format!("client:{secret}!")),
        URL_SAFE_NO_PAD.encode(format!("a:{secret}")),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
    ] {
        assert!(
            encodings(&secret).iter().any(|disguise| text.contains(disguise)),
            "{text}"
        );
    }
}
