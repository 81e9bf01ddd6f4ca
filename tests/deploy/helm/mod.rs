//! The chart, rendered and held against the schemas of Kubernetes.
