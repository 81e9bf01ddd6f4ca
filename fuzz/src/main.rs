//! Runs one fuzz target under libFuzzer: `FUZZ_TARGET=form fuzz CORPUS…`. See `scripts/fuzz`.
#![no_main]

use std::sync::OnceLock;

use fuzz::{FuzzTarget, TARGETS};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    static TARGET: OnceLock<&'static FuzzTarget> = OnceLock::new();
    let target = TARGET.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
        let known = TARGETS.iter().find(|target| target.name == name);
        known.unwrap_or_else(|| panic!("there is no target {name}"))
    });
    (target.run)(input);
});
