mod consumer;
mod http;
mod retention;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chassis::clock::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::testing::{Issuer, Service, clock, fresh, outbox};
