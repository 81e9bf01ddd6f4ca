//! The fields in the log lines of the brokers, as data.
//! `docs/reference/logs.md` is made from them.

use chassis::telemetry::LogField;

/// The documented fields.
pub(crate) const FIELDS: &[LogField] = &[
    LogField::keyword("vestibule.code", "The error of the Kafka client."),
    LogField::long("vestibule.configured", "How many the configuration asks for."),
    LogField::keyword("vestibule.facility", "The part of the Kafka client."),
    LogField::long("vestibule.found", "How many there are."),
    LogField::long("vestibule.partitions", "How many partitions."),
    LogField::keyword("vestibule.topic", "The Kafka topic."),
];
