//! Filebeat, Logstash, index template, ingest pipeline and saved objects of Kibana.
