//! The dashboards, against a Prometheus that scrapes the services.
