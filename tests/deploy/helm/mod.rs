//! The chart, rendered by Helm and held against the schemas of Kubernetes, its own promises, and the real services.

mod chart;
mod copies;
mod guide;
mod kubelet;
mod network;
mod policies;
mod refusals;
mod rendering;
mod running;
mod shape;
