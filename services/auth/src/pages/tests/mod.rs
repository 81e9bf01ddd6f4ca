//! Tests of the pages.

mod gallery;
