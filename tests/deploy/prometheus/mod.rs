//! Rules, alerts and their runbooks, and what the services really say of themselves.

mod catalogue;
mod configuration;
mod rules;
mod scrape;
mod story;
mod tools;
