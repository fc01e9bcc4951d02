#![no_main]
//! See `countersign_fuzz::sources`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    countersign_fuzz::sources::check(&countersign_sources::Okta, bytes);
});
