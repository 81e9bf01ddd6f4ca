//! Settings that Kafka producers and consumers share: addresses, TLS, SASL and timeouts; and the log of the library.

use std::sync::{Arc, Mutex, PoisonError};

use chassis::secret::ExposeSecret;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaErrorCode;

use super::config::{KafkaConfig, KafkaSasl, KafkaTls, Verification};

/// Settings for a client of `service`.
pub(super) fn settings(config: &KafkaConfig, service: &str) -> ClientConfig {
    let timeout = config.timeout().as_millis().to_string();
    let mut settings = ClientConfig::new();
    settings
        .set("client.id", format!("vestibule-{service}"))
        .set("bootstrap.servers", config.brokers.join(","))
        .set("security.protocol", protocol(config))
        .set("allow.auto.create.topics", "false")
        .set("socket.timeout.ms", &timeout)
        .set("socket.connection.setup.timeout.ms", "5000")
        .set("socket.keepalive.enable", "true")
        .set("socket.nagle.disable", "true")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000")
        // A broker that cannot be reached is told by the error callback; every lost connection would be told beside it.
        .set("log.connection.close", "false")
        .set_log_level(RDKafkaLogLevel::Warning);
    if let Some(tls) = &config.tls {
        encrypt(&mut settings, tls);
    }
    if let Some(sasl) = &config.sasl {
        sign_in(&mut settings, sasl);
    }
    settings
}

fn protocol(config: &KafkaConfig) -> &'static str {
    match (&config.tls, &config.sasl) {
        (None, None) => "plaintext",
        (Some(_), None) => "ssl",
        (None, Some(_)) => "sasl_plaintext",
        (Some(_), Some(_)) => "sasl_ssl",
    }
}

fn encrypt(settings: &mut ClientConfig, tls: &KafkaTls) {
    let hostname = match tls.verification {
        Verification::Full => "https",
        Verification::Authority => "none",
    };
    settings
        .set("enable.ssl.certificate.verification", "true")
        .set("ssl.endpoint.identification.algorithm", hostname);
    // Without a file: where the systems keep theirs. The OpenSSL that is compiled in does not know.
    let ca = tls
        .ca
        .as_ref()
        .map_or("probe".to_owned(), |file| file.display().to_string());
    settings.set("ssl.ca.location", ca);
    if let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) {
        settings
            .set("ssl.certificate.location", certificate.display().to_string())
            .set("ssl.key.location", key.display().to_string());
    }
}

fn sign_in(settings: &mut ClientConfig, sasl: &KafkaSasl) {
    settings
        .set("sasl.mechanism", sasl.mechanism.name())
        .set("sasl.username", &sasl.user)
        .set("sasl.password", sasl.password.expose_secret());
}

/// Hears what the library says of its connections, which its results do not tell: a request just takes too long when
/// the certificate is wrong.
#[derive(Clone, Debug, Default)]
pub(super) struct Ear {
    last: Arc<Mutex<Option<String>>>,
}

impl Ear {
    /// `problem`, and what was said of the connections last.
    pub(super) fn explain(&self, problem: impl std::fmt::Display) -> String {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(last) => format!("{problem} ({last})"),
            None => problem.to_string(),
        }
    }

    /// True if the library has reported an error.
    pub(super) fn heard(&self) -> bool {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Things are well: what was said before is of no interest.
    pub(super) fn forget(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl ClientContext for Ear {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::warn!(facility, "kafka: {message}"),
            _ => tracing::debug!(facility, "kafka: {message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, event.reason = reason, "kafka");
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // "All brokers are down" says less than what was said of one of them.
        if last.is_none() || error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *last = Some(reason.to_owned());
        }
    }

    fn stats(&self, _: Statistics) {}
}

impl ConsumerContext for Ear {}
