//! Certificates of a test, made with openssl: an authority, the certificates that it issues, and some that sign themselves.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot start must say why"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The configuration of openssl: the extensions of each kind of certificate.
const CONFIGURATION: &str = "\
[req]
distinguished_name = subject
prompt = no
[subject]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:localhost, IP:127.0.0.1
extendedKeyUsage = serverAuth
[client]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = clientAuth
";

/// The kind of a certificate's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateKey {
    /// ECDSA with P-256: a short certificate.
    P256,
    /// RSA with 4096 bits: a long certificate.
    Rsa4096,
}

/// A certificate and its private key, each in a PEM file.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl CertificateFiles {
    /// The certificate in base64 of DER, as `x5c` has it (RFC 7517 §4.7).
    ///
    /// # Panics
    /// The file cannot be read.
    pub fn base64(&self) -> String {
        let pem = fs::read_to_string(&self.certificate).expect("a certificate");
        pem.lines().filter(|line| !line.starts_with("-----")).collect()
    }

    /// The thumbprint of the certificate, as `x5t#S256` has it (RFC 8705 §3.1).
    ///
    /// # Panics
    /// The file cannot be read.
    pub fn thumbprint(&self) -> String {
        let der = STANDARD.decode(self.base64()).expect("a certificate in PEM");
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &der))
    }

    /// The public key as a JWK with the certificate in `x5c`. The key is one of P-256.
    ///
    /// # Panics
    /// The file cannot be read.
    pub fn jwk(&self) -> Value {
        let mut command = Command::new("openssl");
        command.args(["pkey", "-pubout", "-outform", "DER", "-in"]);
        let public = run(command.arg(&self.key));
        // It ends in the two coordinates.
        let (x, y) = public[public.len() - 64..].split_at(32);
        let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "x5c": [self.base64()] })
    }
}

/// An authority of one test. Its files are removed when it is dropped.
#[derive(Debug)]
pub struct TestAuthority {
    folder: TempDir,
}

impl TestAuthority {
    /// Makes an authority, and a certificate for the services on `localhost`.
    ///
    /// # Panics
    /// openssl fails.
    #[expect(clippy::new_without_default, reason = "it starts processes")]
    pub fn new() -> Self {
        let authority = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        fs::write(authority.path("openssl.cnf"), CONFIGURATION).expect("a folder that can be written to");
        authority.make(
            "authority",
            "authority",
            "/CN=Authority",
            CertificateKey::P256,
            false,
        );
        authority.make("server", "server", "/CN=localhost", CertificateKey::P256, true);
        authority
    }

    /// The certificate of the authority.
    pub fn certificate(&self) -> PathBuf {
        self.path("authority.pem")
    }

    /// The certificate of the services.
    pub fn server(&self) -> CertificateFiles {
        self.files("server")
    }

    /// Issues a certificate of a client with a common name, which names its files, of the organisation Example.
    ///
    /// # Panics
    /// openssl fails.
    pub fn issue_client(&self, common_name: &str, key: CertificateKey) -> CertificateFiles {
        self.make_client(common_name, key, true)
    }

    /// Makes a certificate of a client that no authority issued.
    ///
    /// # Panics
    /// openssl fails.
    pub fn self_signed_client(&self, common_name: &str) -> CertificateFiles {
        self.make_client(common_name, CertificateKey::P256, false)
    }

    /// A certificate of a client that signed it itself, of some 6,000 bytes: its subject is long.
    pub fn long_self_signed_client(&self) -> CertificateFiles {
        let subject = format!(
            "/O=Example{}/CN=long",
            "/OU=a department with a very long name".repeat(50)
        );
        self.make("long", "client", &subject, CertificateKey::P256, false);
        self.files("long")
    }

    fn make_client(&self, common_name: &str, key: CertificateKey, issued: bool) -> CertificateFiles {
        let kind = if issued { "issued" } else { "self-signed" };
        let name = format!("{common_name}-{kind}");
        let subject = format!("/O=Example/CN={common_name}");
        self.make(&name, "client", &subject, key, issued);
        self.files(&name)
    }

    fn make(&self, name: &str, extensions: &str, subject: &str, key: CertificateKey, issued: bool) {
        let files = self.files(name);
        let mut command = Command::new("openssl");
        command
            .args(["req", "-x509", "-nodes", "-days", "2", "-config"])
            .arg(self.path("openssl.cnf"))
            .args(["-extensions", extensions, "-subj", subject, "-keyout"])
            .arg(&files.key)
            .arg("-out")
            .arg(&files.certificate);
        match key {
            CertificateKey::P256 => command.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]),
            CertificateKey::Rsa4096 => command.args(["-newkey", "rsa:4096"]),
        };
        if issued {
            let authority = self.files("authority");
            command.arg("-CA").arg(authority.certificate);
            command.arg("-CAkey").arg(authority.key);
        }
        run(&mut command);
    }

    fn files(&self, name: &str) -> CertificateFiles {
        CertificateFiles {
            certificate: self.path(&format!("{name}.pem")),
            key: self.path(&format!("{name}-key.pem")),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}

/// The output of a command that has to succeed.
fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("openssl is installed: run scripts/setup");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    output.stdout
}
