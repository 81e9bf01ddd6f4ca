//! Tests of the Helm chart.

mod apply;
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
