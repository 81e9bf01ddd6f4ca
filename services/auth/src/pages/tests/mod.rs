//! Tests of the pages: as a browser meets them, through the service's own router.

mod browser;
mod devices;
mod double_click;
mod forms;
mod gallery;
mod gallery_checks;
mod headers;
mod security;
mod sign_in;
mod sign_out;
mod sign_up;
mod site;
mod under_a_path;
