//! Filebeat, Logstash, index template, ingest pipeline and saved objects of Kibana: what a real stack logs is sent by a
//! real Filebeat, and indexed by a real server.
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
