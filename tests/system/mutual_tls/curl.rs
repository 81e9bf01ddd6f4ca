//! curl as a client with a certificate.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use testkit::CertificateFiles;

/// A response to curl.
pub(super) struct CurlAnswer {
    pub(super) status: u16,
    /// `null` if the body is not JSON.
    pub(super) body: Value,
}

/// Runs curl with more headers, and over TLS with an authority that it trusts, and a certificate.
pub(super) fn curl(
    authority: Option<&Path>,
    certificate: Option<&CertificateFiles>,
    headers: &[String],
    arguments: &[&str],
) -> CurlAnswer {
    let mut command = Command::new("curl");
    command.args(["-sS", "--max-time", "60", "-w", "\n%{http_code}"]);
    if let Some(authority) = authority {
        command.arg("--cacert").arg(authority);
    }
    if let Some(files) = certificate {
        command
            .arg("--cert")
            .arg(&files.certificate)
            .arg("--key")
            .arg(&files.key);
    }
    for header in headers {
        command.args(["-H", header.as_str()]);
    }
    let output = command.args(arguments).output().expect("curl is installed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let (body, status) = printed.rsplit_once('\n').unwrap();
    CurlAnswer {
        status: status.parse().unwrap(),
        body: serde_json::from_str(body).unwrap_or_default(),
    }
}
