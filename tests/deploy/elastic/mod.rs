//! Tests of the Elastic files: Filebeat ships the logs of a running stack, and OpenSearch indexes them.
//!
//! Logstash, Kibana and the lifecycle cannot be had as programs here; their files are read by the closest validators.

mod kibana;
mod lifecycle;
mod logstash;
mod lumberjack;
mod reference;
mod server;
mod shipping;
mod stream;
